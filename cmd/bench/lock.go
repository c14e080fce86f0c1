package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/report"
)

const (
	// lockPairs is how many windows with another casino's lock are held against windows without.
	lockPairs = 9
	// lockWaiters are the requests that wait for the locked casino.
	lockWaiters = 40
	// lockMost is by how much the other casino's p99 may move.
	lockMost = .1
	lockName = "bench-lock"
)

// locks measures whether one casino's lock delays another's bets: pairs of windows of "pitboss load"
// with and without it, and as a control the second of two windows without it.
func (b *bench) locks() step {
	moved, control := report.Values{}, []float64{}
	pairs := lockPairs
	if b.quick {
		pairs = 1
	}
	st := step{trials: []trial{{title: "one casino's lock and another's bets", seconds: float64(20 + 18*pairs), do: func(ctx context.Context) error {
		d, err := b.openDev(ctx)
		if err != nil {
			return err
		}
		defer d.process.stop()
		token, err := d.token(ctx, "lucky-star", "operator")
		if err != nil {
			return err
		}
		var free, locked, again float64
		windows := []func() error{
			func() (err error) { free, err = d.lockWindow(ctx); return err },
			func() (err error) {
				unlock, err := d.lock(ctx, "lucky-star", token)
				if err != nil {
					return err
				}
				locked, err = d.lockWindow(ctx)
				unlock()
				return err
			},
			func() (err error) { again, err = d.lockWindow(ctx); return err },
		}
		if err := windows[0](); err != nil { // warms up
			return err
		}
		for pair := range pairs {
			for i := range windows { // what comes first is another each time
				if err := windows[(pair+i)%len(windows)](); err != nil {
					return err
				}
			}
			moved.Add(report.Ours, locked/free)
			control = append(control, again/free)
			moved.Add("control", again/free)
		}
		return nil
	}}}}
	st.measures = func() []report.Measure {
		m := report.New("Bets and rooms: the whole program on PostgreSQL", "p99 of a casino's bets while another casino is locked, over without", "", true,
			moved, report.AtMost(1+lockMost))
		if s := scatter(control); s > lockMost {
			m.Met = nil
			m.Note = fmt.Sprintf("Undecided: two windows without a lock differ by %.0f %%, in the median.", 100*s)
		}
		return []report.Measure{m}
	}
	return st
}

// scatter returns the median deviation of ratios from 1; 0 if there are none.
func scatter(ratios []float64) float64 {
	if len(ratios) == 0 {
		return 0
	}
	var off []float64
	for _, r := range ratios {
		off = append(off, math.Abs(r-1))
	}
	return report.Median(off)
}

// lockWindow returns the p99 of bets at casino-x, at a rate that any machine sustains.
func (d *dev) lockWindow(ctx context.Context) (float64, error) {
	r, err := d.drive(ctx, "10", "100", "300", "3s", "--bet-window", "2s")
	return r.p99, err
}

// lock locks the accounts of a casino, and has lockWaiters requests wait for them, again and
// again, until the returned function is called.
func (d *dev) lock(ctx context.Context, slug, token string) (unlock func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	url := d.environment["PITBOSS_ADMIN_DATABASE_URL"]
	schema, err := d.psql(ctx, `select id from platform.tenant where slug = '`+slug+`'`)
	if err == nil && schema == "" {
		err = fmt.Errorf("there is no casino %s", slug)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	var running sync.WaitGroup
	holder := exec.CommandContext(ctx, postgres("psql"), "-q", "-c", "begin; lock table "+schema+".account in access exclusive mode; select pg_sleep(60)", url)
	holder.Env = append(os.Environ(), "PGAPPNAME="+lockName)
	if err := holder.Start(); err != nil {
		cancel()
		return nil, err
	}
	running.Go(func() { _ = holder.Wait() }) // it is ended below
	unlock = func() {
		_, _ = d.psql(context.WithoutCancel(ctx), `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '`+lockName+`'`)
		cancel()
		running.Wait()
	}
	for held := ""; held != "1"; {
		if held, err = d.psql(ctx, `select count(*) from pg_locks l join pg_stat_activity a using (pid) where a.application_name = '`+lockName+`' and l.mode = 'AccessExclusiveLock' and l.granted`); err != nil {
			unlock()
			return nil, err
		}
	}
	_, port, _ := net.SplitHostPort(d.http) // it was made of both
	for range lockWaiters {
		running.Go(func() {
			for ctx.Err() == nil {
				_, err := fetch(ctx, http.MethodGet, "http://"+d.http+"/v1/players", slug+".localhost:"+port, token, nil)
				if err == nil {
					return // the lock is gone
				}
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	return unlock, nil
}

// psql runs a query as the owner and returns its output.
func (d *dev) psql(ctx context.Context, sql string) (string, error) {
	out, err := exec.CommandContext(ctx, postgres("psql"), "-qAt", "-c", sql, d.environment["PITBOSS_ADMIN_DATABASE_URL"]).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
