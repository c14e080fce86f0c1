// Package cachetest contains the tests that every cache.Layer must pass.
//
// # What always holds
//
//   - A layer that passes finds what was put at a place, unaltered and while it is good, at that place and no
//     other, also when many ask and put at once.
//
// # Why
//
// A layer may forget whatever it likes, and a caller must not care. The suite puts little, and lets nothing fail,
// so here a value that is not found is a fault; the tests of each layer cover its bounds and failures.
package cachetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/cache"
)

// patience bounds each wait of a test.
const patience = 30 * time.Second

// Run tests a layer against the contract of cache.Layer. open returns it; the tests may share one, since each has
// tenants of its own.
func Run(t *testing.T, open func(t *testing.T) cache.Layer) {
	for name, test := range map[string]func(*testing.T, cache.Layer){
		"AValueIsFoundAtItsPlaceAlone":     itsPlaceAlone,
		"TheLastValueIsFound":              theLast,
		"AValueIsFoundWhileItIsGood":       whileItIsGood,
		"WhatIsNotGoodEndsWhatWasThere":    notGood,
		"AnyDataSurvive":                   anyData,
		"ManyMayAskAndPutAtOnce":           manyAtOnce,
		"ALayerIsUsableAfterAContextEnded": afterAContextEnded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// At returns a place of a tenant in its first epoch.
func At(id tenant.ID, name string) cache.Place {
	return cache.Place{Key: id.Key("test", name), Epoch: 1, History: "1.1"}
}

// Good returns an entry that is good for an hour.
func Good(data string) cache.Entry {
	return cache.Entry{Data: []byte(data), Until: time.Now().Add(time.Hour)}
}

// Want fails the test unless a layer has this at a place.
func Want(t testing.TB, l cache.Layer, at cache.Place, data string) {
	t.Helper()
	if e, ok := l.Get(t.Context(), at); !ok || string(e.Data) != data {
		t.Errorf("%s: %.40q, %v; want %.40q", at, e.Data, ok, data)
	}
}

// WantNone fails the test if a layer has anything at a place.
func WantNone(t testing.TB, l cache.Layer, at cache.Place) {
	t.Helper()
	if e, ok := l.Get(t.Context(), at); ok {
		t.Errorf("%s: %.40q, and it should be a miss", at, e.Data)
	}
}

func itsPlaceAlone(t *testing.T, l cache.Layer) {
	id := tenant.New()
	at := At(id, "a")
	WantNone(t, l, at)
	l.Put(t.Context(), at, Good("value"))
	Want(t, l, at, "value")
	for _, other := range []cache.Place{
		At(tenant.New(), "a"), At(id, "b"), At(id, ""), At(id, "a:a"),
		{Key: id.Key("other", "a"), Epoch: at.Epoch, History: at.History},
		{Key: at.Key, Epoch: at.Epoch + 1, History: at.History}, {Key: at.Key, Epoch: at.Epoch - 1, History: at.History},
		{Key: at.Key, Epoch: at.Epoch, History: "2.1"}, {Key: at.Key, Epoch: at.Epoch, History: ""},
	} {
		WantNone(t, l, other)
	}
}

func theLast(t *testing.T, l cache.Layer) {
	at := At(tenant.New(), "a")
	for i := range 3 {
		data := fmt.Sprint("value ", i)
		l.Put(t.Context(), at, Good(data))
		Want(t, l, at, data)
	}
}

func whileItIsGood(t *testing.T, l cache.Layer) {
	at := At(tenant.New(), "a")
	until := time.Now().Add(200 * time.Millisecond)
	l.Put(t.Context(), at, cache.Entry{Data: []byte("value"), Until: until})
	began := time.Now()
	for {
		e, ok := l.Get(t.Context(), at)
		now := time.Now()
		switch {
		case ok && now.Sub(began) > patience:
			t.Fatal("it is good for ever")
		case ok && !e.Until.Truncate(time.Millisecond).Equal(until.Truncate(time.Millisecond)):
			t.Fatalf("it is good until %s, want %s", e.Until, until)
		case !ok && now.Before(until.Add(-2*time.Millisecond)): // Redis counts milliseconds
			t.Fatalf("it is gone %s too early", until.Sub(now))
		case !ok:
			return
		}
	}
}

func notGood(t *testing.T, l cache.Layer) {
	at := At(tenant.New(), "a")
	for _, until := range []time.Time{{}, time.Now().Add(-time.Second)} {
		l.Put(t.Context(), at, cache.Entry{Data: []byte("value"), Until: until})
		WantNone(t, l, at)
	}
}

func anyData(t *testing.T, l cache.Layer) {
	id := tenant.New()
	long := make([]byte, cache.SharedBytesMax)
	_, _ = rand.Read(long)
	for name, data := range map[string][]byte{"none": {}, "zero": {0}, "no text": {0xff, '\r', '\n', 0}, "long": long, "a name\r\nof \x00any form": []byte("x")} {
		at := At(id, name)
		l.Put(t.Context(), at, Good(string(data)))
		if e, ok := l.Get(t.Context(), at); !ok || !bytes.Equal(e.Data, data) {
			t.Errorf("%q: %d bytes, %v; want %d", name, len(e.Data), ok, len(data))
		}
	}
}

func manyAtOnce(t *testing.T, l cache.Layer) {
	ids := []tenant.ID{tenant.New(), tenant.New()}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				at := At(ids[(worker+i)%2], fmt.Sprint(i%5))
				if e, ok := l.Get(t.Context(), at); ok && string(e.Data) != at.String() {
					t.Errorf("%s: %q", at, e.Data)
				}
				l.Put(t.Context(), at, Good(at.String()))
			}
		})
	}
	wg.Wait()
	for i := range 5 {
		for _, id := range ids {
			at := At(id, fmt.Sprint(i))
			Want(t, l, at, at.String())
		}
	}
}

func afterAContextEnded(t *testing.T, l cache.Layer) {
	at := At(tenant.New(), "a")
	ended, end := context.WithCancel(t.Context())
	end()
	for range 20 { // more than any breaker forgives
		l.Put(ended, at, Good("value"))
		l.Get(ended, at)
	}
	l.Put(t.Context(), at, Good("another"))
	Want(t, l, at, "another")
}
