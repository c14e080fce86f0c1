package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/localpg"
)

// clusterSize is the size of a nodeCluster.
type clusterSize struct {
	nodes, tenants, tables, players int // tables of each tenant, of every game in turn; players at each table
	pace                            pace
	again                           time.Duration // how long a node stays dead
	seed                            uint64
	calm                            bool // players bet now and then
}

// nodeCluster is a set of casinos that several nodes serve, behind the proxy of "pitboss cluster", with players
// who bet. All that connects its parts can be spoiled.
type nodeCluster struct {
	t        *testing.T
	tables   []*table
	nodes    []*member
	database *postgres
	redis    *redis
	log      *said
	end      func() // of nodes, players and proxy
}

// table is a room and who plays there.
type table struct {
	*casino
	players []*crashPlayer
}

// member is a node that is started again whenever it dies, with its ways to the others.
type member struct {
	name, address, admin string
	args, env            []string
	out                  io.Writer
	again                time.Duration // how long it stays dead

	pid    atomic.Int64             // of the process that runs now; 0 if none does
	links  map[string]*bustest.Link // to "postgres" and "redis", and from "players"
	fenced atomic.Int64             // late writers, in all its processes
}

// run keeps the node alive until ctx ends; then it drains, or is killed if that takes too long.
func (m *member) run(ctx context.Context) {
	// A process is told of its parent's death when the thread that started it dies.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, program, m.args...)
		cmd.Env = append(os.Environ(), m.env...)
		cmd.Stderr = m.out
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = drainTimeout + stopTimeout
		err := cmd.Start()
		if err == nil {
			m.pid.Store(int64(cmd.Process.Pid))
			err = cmd.Wait()
			m.pid.Store(0)
		}
		if ctx.Err() == nil {
			_, _ = fmt.Fprintf(m.out, "%s died (%v); it is started again in %v\n", m.name, err, m.again)
		}
		select {
		case <-ctx.Done():
		case <-time.After(m.again):
		}
	}
}

func newNodeCluster(t *testing.T, size clusterSize) *nodeCluster {
	t.Helper()
	p := &nodeCluster{t: t, log: &said{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the nodes' last words:\n%s", p.log.last(4<<10))
			if dir := os.Getenv("PITBOSS_TEST_LOGS"); dir != "" {
				_ = os.WriteFile(dir+"/"+t.Name()+".log", []byte(p.log.String()), 0o600)
			}
		}
		if log := p.log.String(); strings.Contains(log, "WARNING: DATA RACE") {
			t.Errorf("the race detector found something:\n%s", log[strings.Index(log, "WARNING: DATA RACE"):])
		}
	})
	p.database = startCluster(t)
	p.redis = &redis{dir: openDir(t)}
	p.redis.start(t, 0)
	t.Cleanup(func() { p.redis.server.Stop() })

	first := newCasinoIn(t, p.database.cluster.AppURL(), p.database.cluster.AdminURL())
	for i := range size.tenants {
		casino := first
		if i > 0 {
			casino = first.addTenant(fmt.Sprintf("casino-%d", i))
		}
		for k := range size.tables {
			games := plays(len(p.tables))
			at := casino.openTable(fmt.Sprintf("table-%d", k+1), games[k%len(games)], size.pace)
			p.tables = append(p.tables, &table{casino: at})
		}
	}

	life, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	p.end = sync.OnceFunc(func() { end(); running.Wait() })
	t.Cleanup(p.end)
	var addresses []string
	for i := range size.nodes {
		m := p.newMember("node-"+strconv.Itoa(i+1), size.again)
		p.nodes, addresses = append(p.nodes, m), append(addresses, m.links["players"].Addr())
		running.Go(func() { m.run(life) })
	}
	startProxy(t, first.address, addresses...)
	p.awaitReady()
	for i, at := range p.tables {
		for k := range size.players {
			c := newCrashPlayer(at.casino, fmt.Sprintf("%s-%s-player-%d", at.slug, at.room, k), rand.New(rand.NewPCG(size.seed, uint64(1000*i+k+2))))
			c.calm, c.most, c.stays = size.calm, 10*time.Second, true
			at.players = append(at.players, c)
			running.Go(func() { c.play(life) })
		}
	}
	return p
}

func (p *nodeCluster) newMember(name string, again time.Duration) *member {
	p.t.Helper()
	m := &member{name: name, address: freePort(p.t), admin: freePort(p.t), out: p.log, again: again, links: map[string]*bustest.Link{
		"postgres": bustest.NewLink(p.t, p.database.address()), "redis": bustest.NewLink(p.t, p.redis.server.Addr),
	}}
	m.links["players"] = bustest.NewLink(p.t, m.address)
	m.args = []string{"serve", "--listen", m.address, "--admin-listen", m.admin, "--node", name, "--dir", openDir(p.t)}
	m.env = []string{
		"PITBOSS_REDIS_URL=redis://" + m.links["redis"].Addr(),
		"PITBOSS_DATABASE_URL=" + p.database.through(m.links["postgres"].Addr()), "PITBOSS_ADMIN_DATABASE_URL=",
		"PITBOSS_MASTER_KEY=" + p.first().masterKey, "PITBOSS_ADDRESS_REQUESTS=0", // all come from one address
	}
	return m
}

func (p *nodeCluster) first() *casino { return p.tables[0].casino }

func (p *nodeCluster) players() []*crashPlayer {
	var all []*crashPlayer
	for _, at := range p.tables {
		all = append(all, at.players...)
	}
	return all
}

// allReady reports whether every node takes players.
func (p *nodeCluster) allReady() bool {
	return !slices.ContainsFunc(p.nodes, func(m *member) bool { return m.pid.Load() == 0 || !ready(m.links["players"].Addr()) })
}

// awaitReady waits until every node takes players: that what was lost comes back, not how soon on a busy machine.
func (p *nodeCluster) awaitReady() {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			for _, m := range p.nodes {
				p.t.Logf("%s: process %d, %s", m.name, m.pid.Load(), readiness(m.links["players"].Addr()))
			}
		}
	}()
	eventuallyWithin(p.t, 2*time.Minute, "all nodes are ready", p.allReady)
}

// signal sends a node's process a signal, if there is one now.
func (m *member) signal(s syscall.Signal) bool {
	pid := m.pid.Load()
	return pid != 0 && syscall.Kill(int(pid), s) == nil
}

// owner returns the node that owns the table now, and the epoch of its ownership.
func (p *nodeCluster) owner(at *table) (*member, int64) {
	place := at.assignment()
	for _, n := range p.nodes {
		if n.name == place.Node {
			return n, place.Epoch
		}
	}
	return nil, 0
}

// assignment returns which node owns the table.
func (f *casino) assignment() placement.Assignment {
	f.t.Helper()
	at, err := f.store.Leases.Assignments(soon(f.t), placement.Mark{})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, place := range at.Assignments {
		if place.Ref == (rooms.Ref{Tenant: f.tenant.ID, Room: f.room}) {
			return place
		}
	}
	return placement.Assignment{}
}

// finish lets every player have his answers, closes the tables, which tells the seeds, lets every player have all
// events, and holds what they were told against the journal and the ledger. Every room has an owner that lives.
func (p *nodeCluster) finish() {
	p.t.Helper()
	for _, c := range p.players() {
		c.finish()
	}
	eventuallyWithin(p.t, time.Minute, "every command is answered", func() bool {
		return !slices.ContainsFunc(p.players(), func(c *crashPlayer) bool { return !c.finished() })
	})
	eventually(p.t, "every room is a living node's", func() bool { // some seconds after the last one's death
		at, err := p.first().store.Leases.Assignments(soon(p.t), placement.Mark{})
		if err != nil {
			p.t.Fatal(err)
		}
		lost := 0
		for _, place := range at.Assignments {
			if !slices.ContainsFunc(at.Nodes, func(n placement.Node) bool { return n.Name == place.Node }) {
				lost++
			}
		}
		return lost == 0
	})
	for _, at := range p.tables {
		at.closes()
	}
	for _, at := range p.tables {
		at.close()
		records := at.journal()
		top := records[len(records)-1].Seq
		eventually(p.t, "everybody at the table has seen everything", func() bool {
			return !slices.ContainsFunc(at.players, func(c *crashPlayer) bool { return c.seenSeq() < top })
		})
	}
	p.end()
	for _, at := range p.tables {
		at.compare(at.players)
	}
}

func (p *crashPlayer) seenSeq() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Seq
}

func (p *crashPlayer) seenEpoch() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.events); n > 0 {
		return p.events[n-1].Epoch
	}
	return 0
}

// postgres is a PostgreSQL that can be started again where it was.
type postgres struct {
	mu      sync.Mutex // guards what follows
	cluster *localpg.Cluster
	options localpg.Options
}

func startCluster(t *testing.T) *postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "pitboss-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	port, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	d := &postgres{options: localpg.Options{Dir: dir, Port: port, Log: slog.New(slog.DiscardHandler)}}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if err := d.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *postgres) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := localpg.Start(ctx, d.options)
	if err == nil {
		d.cluster = cluster
	}
	return err
}

// crash ends every process of the database at once.
func (d *postgres) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = syscall.Kill(d.cluster.PID(), syscall.SIGQUIT)
	<-d.cluster.Ended()
	_ = d.cluster.Stop() // lets go of its folder; that it crashed is known
}

func (d *postgres) address() string { return fmt.Sprintf("127.0.0.1:%d", d.options.Port) }

// through returns the app's URL with another address.
func (d *postgres) through(address string) string {
	return replaceHost(d.cluster.AppURL(), address)
}

// redis is a Redis that can be started again where it was.
type redis struct {
	dir    string
	server *localredis.Server
}

func (r *redis) start(t *testing.T, port int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	server, err := localredis.Start(ctx, r.dir, port)
	if err != nil {
		t.Errorf("Redis does not start: %v", err)
		return
	}
	r.server = server
}
