// Command wsload loads a WebSocket server over loopback from one thread, and measures. It
// is an open loop: a message has a moment at which it is to be sent, and its latency runs
// from that moment, so that a late client or server is not left out. See
// docs/benchmarks/README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
)

type options struct {
	addrs, dialect, mode, secret, free, stats string
	feed                                      string
	tenant, neighbour                         string
	class, otherClass, rates                  string
	rooms, members, conns, pubs               int
	neighbourRooms, size, reps, refine, par   int
	lobby                                     bool
	otherRate, factor, p99Max, settle         float64
	timing                                    timing
	deadline                                  time.Duration
	pids, also                                string
}

func parse() (o options) {
	flag.StringVar(&o.addrs, "addr", "127.0.0.1:9001", "the server, or several: a list, over which each room's sockets are spread")
	flag.StringVar(&o.feed, "feed", "", "address of a node that publishes and has no sockets (its -feed); else sockets publish")
	flag.StringVar(&o.dialect, "dialect", "raw", "raw, centrifuge or pitboss")
	flag.StringVar(&o.mode, "mode", "fanout", "fanout: one window for each rate; ramp: the greatest rate that is carried; ping: requests and answers; idle: memory of sockets that do nothing")
	flag.StringVar(&o.secret, "secret", "secret-of-the-bench-0123456789abcdef", "the HS256 secret of the tokens")
	flag.StringVar(&o.tenant, "tenant", "casino-a", "tid of the tokens, and first label of the Host")
	flag.IntVar(&o.rooms, "rooms", 10, "rooms")
	flag.IntVar(&o.members, "members", 100, "sockets in each room")
	flag.IntVar(&o.conns, "conns", 0, "sockets; fewer than rooms x members, and each is in several rooms (0: rooms x members)")
	flag.IntVar(&o.pubs, "pubs", 1, "members of a room that publish, in turn")
	flag.StringVar(&o.rates, "rate", "100", "publications, or requests, per second, in all; a list runs one window after the other")
	flag.StringVar(&o.class, "class", "state", "type of what is published: result, state, chat or promotion")
	flag.IntVar(&o.size, "size", 128, "bytes of a payload")
	flag.BoolVar(&o.lobby, "lobby", false, "every socket is also in a room named lobby")
	flag.StringVar(&o.neighbour, "neighbour", "", "a second tenant with rooms of its own, which are loaded at -other-rate")
	flag.IntVar(&o.neighbourRooms, "neighbour-rooms", 10, "its rooms, of -members each")
	flag.Float64Var(&o.otherRate, "other-rate", 0, "publications per second to the lobby, or of the neighbour: loaded, not measured")
	flag.StringVar(&o.otherClass, "other-class", "promotion", "their type")
	flag.Float64Var(&o.timing.warm, "warm", .4, "seconds before a window")
	flag.Float64Var(&o.timing.window, "window", 2, "seconds of a window")
	flag.Float64Var(&o.timing.drain, "drain", 3, "seconds to wait for what is still on its way")
	flag.IntVar(&o.reps, "reps", 1, "windows for each rate")
	flag.Float64Var(&o.factor, "factor", 2, "ramp: from one rate to the next")
	flag.IntVar(&o.refine, "refine", 3, "ramp: how often the interval between good and bad is halved")
	flag.Float64Var(&o.p99Max, "p99", 100, "ramp: ms that 99 % must arrive in")
	flag.IntVar(&o.par, "par", 64, "sockets that are being opened at one time")
	flag.Float64Var(&o.settle, "settle", 20, "idle: seconds before memory is read")
	flag.StringVar(&o.free, "free", "", "idle: URL that makes the server give memory back")
	flag.StringVar(&o.stats, "stats", "", "idle: URL of the server's number of goroutines")
	flag.StringVar(&o.pids, "pid", "", "the servers' processes, a list")
	flag.StringVar(&o.also, "also", "", "further processes whose CPU is told, a list")
	flag.DurationVar(&o.deadline, "deadline", 5*time.Minute, "give up after")
	flag.Parse()
	if o.conns == 0 {
		o.conns = o.rooms * o.members
	}
	return o
}

func main() {
	o := parse()
	runtime.LockOSThread()
	debug.SetGCPercent(400)
	time.AfterFunc(o.deadline, func() { fail(errors.New("this takes too long")) })
	if err := run(o, os.Stdout); err != nil {
		fail(err)
	}
}

// people are the sockets, and who of them says what.
type people struct {
	all   []*conn
	main  stream
	other *stream
}

// seat makes the sockets. Room r is of the members from r x members on, counted round.
func seat(o options, servers []unix.SockaddrInet4, generation int) (people, error) {
	var p people
	n := o.conns
	if n%o.members != 0 || o.rooms*o.members%n != 0 || o.members%len(servers) != 0 {
		return p, fmt.Errorf("%d sockets do not sit evenly in %d rooms of %d on %d servers", n, o.rooms, o.members, len(servers))
	}
	add := func(slug string) *conn {
		id := len(p.all)
		c := &conn{id: id, server: servers[id%len(servers)], state: closed, host: slug + ".localhost", token: token(o.secret, slug, fmt.Sprintf("u%d-%d", generation, id), time.Now())}
		p.all = append(p.all, c)
		return c
	}
	for range n {
		add(o.tenant)
	}
	p.main = stream{fan: o.members, payload: payloadOf(markMain, o.class, o.size), ping: o.mode == "ping"}
	for r := range o.rooms {
		name := "r" + strconv.Itoa(r)
		for m := range o.members {
			c := p.all[(r*o.members+m)%n]
			c.rooms = append(c.rooms, name)
		}
	}
	for m := range o.pubs {
		for r := range o.rooms {
			p.main.senders = append(p.main.senders, sender{p.all[(r*o.members+m)%n], []byte("r" + strconv.Itoa(r))})
		}
	}
	if p.main.ping {
		p.main.fan, p.main.senders = 1, nil
		for _, c := range p.all {
			p.main.senders = append(p.main.senders, sender{conn: c})
		}
	}
	if o.feed != "" {
		if p.main.ping || o.lobby || o.neighbour != "" {
			return p, errors.New("-feed publishes to rooms, and nothing else")
		}
		to, err := address(o.feed)
		if err != nil {
			return p, err
		}
		c := &conn{id: n, server: to, state: closed, feed: true}
		p.all = append(p.all, c)
		for i := range p.main.senders {
			p.main.senders[i].conn = c
		}
	}
	if o.otherRate == 0 && !o.lobby && o.neighbour == "" {
		return p, nil
	}
	p.other = &stream{rate: o.otherRate, payload: payloadOf(markOther, o.otherClass, o.size)}
	if o.lobby {
		for _, c := range p.all {
			c.rooms = append(c.rooms, "lobby")
		}
		p.other.senders = []sender{{p.all[0], []byte("lobby")}}
	}
	for r := range o.neighbourRooms {
		if o.neighbour == "" {
			break
		}
		name := "r" + strconv.Itoa(r)
		for m := range o.members {
			c := add(o.neighbour)
			c.rooms = []string{name}
			if m == 0 {
				p.other.senders = append(p.other.senders, sender{c, []byte(name)})
			}
		}
	}
	return p, nil
}

func run(o options, out io.Writer) error {
	d, err := dialectNamed(o.dialect)
	if err != nil {
		return err
	}
	var servers []unix.SockaddrInet4
	for addr := range strings.SplitSeq(o.addrs, ",") {
		server, err := address(addr)
		if err != nil {
			return err
		}
		servers = append(servers, server)
	}
	pids, err := pidsIn(o.pids)
	if err != nil {
		return err
	}
	also, err := pidsIn(o.also)
	if err != nil {
		return err
	}
	m := measured{pids, also}
	l, err := newLoop(d)
	if err != nil {
		return err
	}
	rates, err := numbers(o.rates)
	if err != nil {
		return err
	}
	tell := func(r load.Row) error { return json.NewEncoder(out).Encode(r) }

	rss, cpu := pids.rss(), pids.cpu()
	var goroutines float64
	if o.stats != "" {
		if goroutines, err = goroutinesOf(o.stats); err != nil {
			return err
		}
	}
	p, err := seat(o, servers, 0)
	if err != nil {
		return err
	}
	took, err := l.open(p.all, o.par)
	if err != nil {
		return err
	}
	n := float64(len(p.all))
	opened := load.Row{What: "open", Conns: len(p.all), ConnRate: n / took, ConnCPU: (pids.cpu() - cpu) * 1e6 / n, JoinP99: l.joins.quantile(.99)}

	switch o.mode {
	case "fanout", "ping":
		for _, rate := range rates {
			for range o.reps {
				p.main.rate = rate
				r := l.phase(&p.main, p.other, o.timing, m)
				r.Conns, r.ConnRate, r.ConnCPU, r.JoinP99 = opened.Conns, opened.ConnRate, opened.ConnCPU, opened.JoinP99
				if err := tell(r); err != nil {
					return err
				}
				if l.closed > 0 {
					fmt.Fprintln(os.Stderr, "wsload:", l.closed, "closed;", l.why)
				}
			}
		}
		return nil
	case "ramp":
		return l.ramp(o, servers, m, p, rates[0], tell)
	case "idle":
		r, err := l.idle(o, pids, opened, rss, goroutines)
		if err != nil {
			return err
		}
		return tell(r)
	}
	return fmt.Errorf("there is no mode %q", o.mode)
}

// ramp looks for the greatest rate that is carried: up by a factor until it is not, then
// by halves between. A rate that was too much is tried once more, in case it was the
// machine that hiccuped, with sockets that are opened anew.
func (l *loop) ramp(o options, servers []unix.SockaddrInet4, m measured, p people, rate float64, tell func(load.Row) error) error {
	var best, worst load.Row
	attempt := func(generation int) (load.Row, bool, error) {
		if l.joined == 0 {
			if _, err := l.open(p.all, o.par); err != nil {
				return load.Row{}, false, err
			}
		}
		p.main.rate = rate
		r := l.phase(&p.main, p.other, o.timing, m)
		if good(r, p.main.fan, o.p99Max) {
			return r, true, nil
		}
		for _, c := range p.all {
			l.cut(c)
		}
		var err error
		p, err = seat(o, servers, generation)
		return r, false, err
	}
	const tries = 24
	for try, refined := 1, 0; try <= tries && refined <= o.refine && rate >= 1; try++ {
		r, ok, err := attempt(2 * try)
		if err == nil && !ok {
			r, ok, err = attempt(2*try + 1)
		}
		if err != nil {
			return err
		}
		if ok {
			best = r
		} else {
			worst = r
		}
		switch {
		case worst.Rate == 0:
			rate = best.Rate * o.factor
		case best.Rate == 0:
			rate = worst.Rate / o.factor
		default:
			rate = math.Sqrt(best.Rate * worst.Rate)
			refined++
		}
	}
	best.What, worst.What = "good", "bad"
	if err := tell(best); err != nil {
		return err
	}
	return tell(worst)
}

// open opens the sockets and returns how many seconds it took until all had joined.
func (l *loop) open(all []*conn, par int) (float64, error) {
	l.counted, l.joins = counted{}, hist{}
	l.pulse, l.pulsed, l.pulseFrom = nil, 0, 0
	l.to = math.MaxInt64
	start := now()
	at, last := start, 0
	for i := 0; l.joined < len(all); {
		for ; i < len(all) && l.opening < par; i++ {
			if err := l.connect(all[i]); err != nil {
				return 0, err
			}
		}
		l.poll(10_000)
		switch {
		case l.closed > 0:
			return 0, fmt.Errorf("a socket was closed before it had joined (%d had): %s", l.joined, l.why)
		case l.joined != last:
			at, last = now(), l.joined
		case now()-at > 20e6:
			return 0, fmt.Errorf("joining does not go on at %d of %d", l.joined, len(all))
		}
	}
	l.pulse = all
	return float64(now()-start) / 1e6, nil
}

func (l *loop) idle(o options, pids processes, r load.Row, rss, goroutines float64) (load.Row, error) {
	n := float64(r.Conns)
	r.What = "idle"
	l.counted = counted{}
	cpu := pids.cpu()
	l.rest(o.settle)
	r.IdleCPU = (pids.cpu() - cpu) * 1e6 / n / o.settle
	r.Settled = (pids.rss() - rss) / n
	if o.stats != "" {
		after, err := goroutinesOf(o.stats)
		if err != nil {
			return r, err
		}
		r.Goroutines = (after - goroutines) / n
	}
	if o.free != "" {
		if _, err := get(o.free); err != nil {
			return r, err
		}
		l.rest(2)
	}
	r.AfterGC = (pids.rss() - rss) / n
	r.Closed = l.closed
	return r, nil
}

func (l *loop) rest(seconds float64) {
	for end := now() + int64(seconds*1e6); now() < end; {
		l.poll(50_000)
	}
}

func goroutinesOf(url string) (float64, error) {
	text, err := get(url)
	if err != nil {
		return 0, err
	}
	var stats struct{ Goroutines float64 }
	if err := json.Unmarshal(text, &stats); err != nil {
		return 0, fmt.Errorf("%s: %w", url, err)
	}
	return stats.Goroutines, nil
}

func get(url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // no connection is left to be counted among the sockets
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

func pidsIn(list string) (processes, error) {
	var out processes
	for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 0 {
			return nil, fmt.Errorf("not a process: %q", text)
		}
		out = append(out, pid)
	}
	return out, nil
}

func numbers(list string) ([]float64, error) {
	var out []float64
	for text := range strings.SplitSeq(list, ",") {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("not a rate: %q", text)
		}
		out = append(out, v)
	}
	return out, nil
}
