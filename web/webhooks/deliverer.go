package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// InFlight is how many deliveries a process has under way at once: four times as many as one tenant can have.
	InFlight = 4 * webhooks.EndpointsMax * EndpointInFlight
	// EndpointInFlight is how many of them are to one endpoint.
	EndpointInFlight = 16

	// perLook is how many deliveries to one endpoint a look returns: as many may be under way already.
	perLook = 2 * EndpointInFlight

	// leaseFor is how long a process may deliver for a tenant without asking again.
	leaseFor = 10 * time.Second
	// holdEvery is the interval at which it asks.
	holdEvery = 2 * time.Second
	// pollEvery is the interval at which it looks for new facts and for deliveries that are due.
	pollEvery = time.Second
	// sweepEvery is the interval at which it deletes what is old.
	sweepEvery = time.Hour
	// lastWords bounds how long the end of a process waits to record what was delivered.
	lastWords = time.Second
)

// schedule holds the pauses after each attempt that failed, as Standard Webhooks proposes. After the last
// attempt a delivery is dropped.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Options configures a Deliverer.
type Options struct {
	Queue   *webhooks.Queue
	Holder  uuid.UUID // of the process
	Tenants *tenancy.Directory
	// Allow lists ranges of addresses that are not public to which deliveries may go, with or without TLS.
	Allow      []netip.Prefix
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Hits       *tenant.Hits // counts the limits that tenants meet; nil: nothing does
	// Changed is called when a tenant's deliveries or endpoints have changed. It must not block. Nil: nobody is told.
	Changed func(tenant.ID)
}

// Deliverer tells the endpoints of the tenants whose leases it holds, while they are served. It has to Run.
type Deliverer struct {
	queue   *webhooks.Queue
	holder  uuid.UUID
	tenants *tenancy.Directory
	log     *slog.Logger
	seldom  *api.Seldom
	meter   meters
	hits    *tenant.Hits
	client  *client
	changed func(tenant.ID)
	slots   chan struct{}

	// What tests change.
	hold, poll, lease time.Duration
	waits             []time.Duration
}

// New returns a Deliverer.
func New(o Options) *Deliverer {
	if o.Changed == nil {
		o.Changed = func(tenant.ID) {}
	}
	return &Deliverer{
		queue: o.Queue, holder: o.Holder, tenants: o.Tenants, log: o.Log, seldom: api.NewSeldom(o.Log), meter: newMeters(o.Registerer), hits: o.Hits, client: newClient(o.Allow, nil), changed: o.Changed,
		slots: make(chan struct{}, InFlight), hold: holdEvery, poll: pollEvery, lease: leaseFor, waits: schedule,
	}
}

// job delivers for one tenant.
type job struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// over reports whether the job has ended by itself.
func (j *job) over() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// Run delivers until ctx ends, then returns nil. It may run on any number of nodes.
func (d *Deliverer) Run(ctx context.Context) error {
	jobs := map[tenant.ID]*job{}
	stop := func(keep []tenant.ID) {
		var ending []*job
		for id, j := range jobs {
			if j.over() || !slices.Contains(keep, id) {
				j.cancel()
				ending = append(ending, j)
				delete(jobs, id)
			}
		}
		for _, j := range ending {
			<-j.done
		}
	}
	defer func() {
		stop(nil)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		if err := d.queue.Release(ctx, d.holder); err != nil {
			d.log.WarnContext(ctx, "other nodes deliver webhooks a moment later", "error", err)
		}
	}()
	held := time.Now() // when the leases were renewed last, at least
	for wait := time.Duration(0); ; wait = d.hold/2 + rand.N(d.hold/2) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		asked := time.Now()
		ids, err := d.ask(ctx)
		switch {
		case err == nil:
			held = asked
		case ctx.Err() != nil:
			return nil
		default:
			d.seldom.Log(slog.LevelWarn, "the leases of webhooks cannot be renewed", "error", err)
			if time.Since(held) < d.lease {
				continue
			}
		}
		ids = slices.DeleteFunc(ids, d.shut)
		stop(ids)
		for _, id := range ids {
			if jobs[id] == nil {
				jobs[id] = d.start(ctx, id)
			}
		}
		d.meter.tenants.Set(float64(len(jobs)))
	}
}

// shut reports whether a tenant is not served: what it is to be told waits.
func (d *Deliverer) shut(id tenant.ID) bool {
	t, ok := d.tenants.ByID(id)
	return !ok || !t.Status(d.tenants.Now()).Served()
}

// ask renews the leases, within a time that leaves some of them.
func (d *Deliverer) ask(ctx context.Context) ([]tenant.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, d.lease/2)
	defer cancel()
	return d.queue.Hold(ctx, d.holder, d.lease, true)
}

func (d *Deliverer) start(ctx context.Context, id tenant.ID) *job {
	ctx, cancel := context.WithCancel(ctx)
	j := &job{cancel, make(chan struct{})}
	go func() {
		defer close(j.done)
		defer cancel()
		if err := d.deliver(ctx, id); err != nil && ctx.Err() == nil && !errors.Is(err, webhooks.ErrFenced) {
			d.seldom.Log(slog.LevelWarn, "a casino's webhooks wait", "tenant", id, "error", err)
		}
	}()
	return j
}

// place names a delivery.
type place struct {
	endpoint uuid.UUID
	fact     int64
}

// worker holds what is under way for one tenant. One goroutine uses it.
type worker struct {
	*Deliverer
	id      tenant.ID
	epoch   int64
	flying  map[place]bool
	busy    map[uuid.UUID]int // by endpoint
	landed  chan webhooks.Result
	unsaved []webhooks.Result // results that are not recorded yet
}

// deliver delivers for a tenant until ctx ends or something fails.
func (d *Deliverer) deliver(ctx context.Context, id tenant.ID) error {
	epoch, err := d.queue.Claim(ctx, id)
	if err != nil {
		return err
	}
	w := &worker{Deliverer: d, id: id, epoch: epoch, flying: map[place]bool{}, busy: map[uuid.UUID]int{}, landed: make(chan webhooks.Result, webhooks.EndpointsMax*EndpointInFlight)}
	sends, cancel := context.WithCancel(ctx)
	err = w.run(sends)
	cancel()
	// What was delivered is recorded, also when another process has to go on: if it does already, it is
	// fenced off.
	for len(w.flying) > len(w.unsaved) {
		w.unsaved = append(w.unsaved, <-w.landed)
	}
	w.unsaved = slices.DeleteFunc(w.unsaved, func(r webhooks.Result) bool { return !r.OK })
	last, end := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer end()
	if saved := w.save(last); saved != nil && !errors.Is(saved, webhooks.ErrFenced) {
		err = errors.Join(err, saved)
	}
	return err
}

func (w *worker) run(ctx context.Context) error {
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	swept := time.Now().Add(-rand.N(sweepEvery)) // not all tenants at once
	for look := true; ; {
		work, err := w.queue.Work(ctx, w.id, w.epoch, perLook)
		if err == nil && look && work.Behind {
			if err = w.queue.FanOut(ctx, w.id, w.epoch); err == nil {
				w.changed(w.id)
				work, err = w.queue.Work(ctx, w.id, w.epoch, perLook)
			}
		}
		if err != nil {
			return err
		}
		w.launch(ctx, work)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			look = true
		case r := <-w.landed:
			look = false
			w.unsaved = append(w.unsaved, r)
			for more := true; more; {
				select {
				case r := <-w.landed:
					w.unsaved = append(w.unsaved, r)
				default:
					more = false
				}
			}
		}
		if err := w.save(ctx); err != nil {
			return err
		}
		if look && time.Since(swept) > sweepEvery {
			swept = time.Now()
			lost, err := w.queue.Sweep(ctx, w.id, w.epoch)
			if err != nil {
				return err
			}
			if lost > 0 {
				w.meter.lost.Add(float64(lost))
				w.log.ErrorContext(ctx, "webhooks waited too long and are lost", "tenant", w.id, "deliveries", lost)
			}
		}
	}
}

// save records what has landed.
func (w *worker) save(ctx context.Context) error {
	if len(w.unsaved) == 0 {
		return nil
	}
	stopped, err := w.queue.Record(ctx, w.id, w.epoch, w.unsaved)
	if err != nil {
		return err
	}
	for _, r := range w.unsaved {
		delete(w.flying, place{r.Endpoint, r.Fact})
		if w.busy[r.Endpoint]--; w.busy[r.Endpoint] == 0 {
			delete(w.busy, r.Endpoint)
		}
	}
	w.unsaved = nil
	w.changed(w.id)
	for _, e := range stopped {
		w.meter.stopped.WithLabelValues(string(e.State)).Inc()
		w.log.ErrorContext(ctx, "a webhook endpoint is told nothing any more until it is resumed", "tenant", w.id, "endpoint", e.ID.String(), "state", string(e.State), "reason", e.Reason)
	}
	return nil
}

// launch starts what is due, as far as there is room.
func (w *worker) launch(ctx context.Context, work webhooks.Work) {
	for _, err := range work.Errs {
		w.seldom.Log(slog.LevelError, "a webhook endpoint cannot be told anything", "tenant", w.id, "error", err)
	}
	full := map[uuid.UUID]bool{}
	for _, x := range work.Due {
		i := slices.IndexFunc(work.Targets, func(t webhooks.Target) bool { return t.ID == x.Endpoint })
		at := place{x.Endpoint, x.Fact}
		if i < 0 || w.flying[at] {
			continue
		}
		if w.busy[x.Endpoint] >= EndpointInFlight {
			if !full[x.Endpoint] {
				full[x.Endpoint] = true
				w.meter.hits.WithLabelValues(LimitEndpointInFlight).Inc()
				w.hits.Add(w.id, LimitEndpointInFlight)
			}
			continue
		}
		select {
		case w.slots <- struct{}{}:
		default:
			w.meter.hits.WithLabelValues(LimitInFlight).Inc()
			w.hits.Add(w.id, LimitInFlight)
			return // until something lands, or the next tick
		}
		w.flying[at] = true
		w.busy[x.Endpoint]++
		go func() {
			r := w.attempt(ctx, work.Targets[i], x)
			<-w.slots
			w.landed <- r // there is room for all
		}()
	}
}

// attempt makes one attempt at a delivery.
func (w *worker) attempt(ctx context.Context, t webhooks.Target, x webhooks.Due) webhooks.Result {
	r := webhooks.Result{Endpoint: x.Endpoint, URL: t.URL, Fact: x.Fact, Key: x.Key}
	began := time.Now()
	var slug tenant.Slug
	if t, ok := w.tenants.ByID(w.id); ok {
		slug = t.Slug
	}
	body, err := json.Marshal(payload{x.Type, wire.At(x.At), x.Version, slug, x.Data})
	if err == nil {
		r.Status, err = w.client.send(ctx, message{t.URL, x.WebhookID.String(), t.Secrets, body})
	}
	r.Took = time.Since(began)
	switch {
	case err != nil:
		r.Error = explain(err)
	case r.Status == http.StatusGone:
		r.Gone, r.Error = true, "the receiver wants no more"
	case r.Status < 200 || r.Status > 299:
		r.Error = fmt.Sprintf("the answer is %d %s", r.Status, http.StatusText(r.Status))
	default:
		r.OK = true
	}
	if !r.OK && !r.Gone {
		if r.Drop = x.Attempts >= len(w.waits); !r.Drop {
			pause := w.waits[x.Attempts]
			r.Wait = pause + rand.N(pause/10+1)
		}
	}
	w.meter.attempt(r)
	return r
}

// payload is the body of a message.
type payload struct {
	Type      string          `json:"type"`
	Timestamp wire.Time       `json:"timestamp"`
	Version   int             `json:"version"`
	Tenant    tenant.Slug     `json:"tenant"`
	Data      json.RawMessage `json:"data"`
}
