package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
)

// stream is messages that are sent at fixed moments, whether the last one has been
// answered or not.
type stream struct {
	senders []sender
	fan     int     // deliveries due for each message
	rate    float64 // messages per second
	payload []byte
	ping    bool // requests, answered to the sender alone
	next    float64
	turn    int
}

type sender struct {
	conn *conn
	room []byte
}

// payloadOf returns a JSON object of size bytes with a mark for the time.
func payloadOf(mark byte, class string, size int) []byte {
	s := `{"ts` + string(mark) + `":0000000000000000,"type":"` + class + `","from":"u12345","text":"`
	s += strings.Repeat("abcdefghijklmnopqrstuvwxyz", max(0, size-len(s)-2)/26+1)
	return []byte(s[:max(size, 80)-2] + `"}`)
}

// stamp writes a time into a payload.
func stamp(p []byte, at int64) {
	for i := 22; i >= 7; i-- {
		p[i] = byte('0' + at%10)
		at /= 10
	}
}

// due sends what was to be sent until a moment, and says how much of it lies in the window.
func (s *stream) due(l *loop, until int64) (inWindow int64) {
	if s == nil || s.rate == 0 {
		return 0
	}
	for burst := 0; s.next <= float64(until) && burst < 256; burst++ {
		at := int64(s.next)
		if at >= l.to {
			s.next = float64(l.to) + 1e12
			return inWindow
		}
		if at >= l.from {
			inWindow++
		}
		from := s.senders[s.turn%len(s.senders)]
		s.turn++
		s.next += 1e6 / s.rate
		stamp(s.payload, at)
		var b []byte
		switch {
		case s.ping:
			b = l.dialect.ping(scratch[:0], s.payload)
		case from.conn.feed:
			b = appendFed(scratch[:0], from.room, s.payload)
		default:
			b = l.dialect.publish(scratch[:0], from.room, s.payload)
		}
		scratch = b
		l.send(from.conn, b)
	}
	return inWindow
}

var scratch []byte

// appendFed appends a message in the form that package side's Feed reads.
func appendFed(b, room, payload []byte) []byte {
	b = append(b, byte(len(room)), byte(len(payload)>>8), byte(len(payload)))
	return append(append(b, room...), payload...)
}

// sample is what is read at both ends of a window.
type sample struct {
	at                     int64
	cpu, writes, own       float64
	also                   []float64
	received, reads, other uint64
}

// measured are the servers, and further processes that are measured each by itself.
type measured struct{ servers, also processes }

func (l *loop) sample(m measured) sample {
	s := sample{now(), m.servers.cpu(), m.servers.writes(), ownCPU(), nil, l.received, l.reads, l.other}
	for _, pid := range m.also {
		s.also = append(s.also, cpuOf(pid))
	}
	return s
}

func ownCPU() float64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// timing says how long a phase is, in seconds.
type timing struct{ warm, window, drain float64 }

// phase drives main, and beside it other (which may be nil), and measures.
func (l *loop) phase(main, other *stream, t timing, m measured) load.Row {
	l.counted = counted{}
	start := now() + 1000
	l.from = start + int64(t.warm*1e6)
	l.to = l.from + int64(t.window*1e6)
	main.next = float64(start)
	if other != nil && other.rate > 0 {
		other.next = float64(start) + 0.5e6/other.rate
	}
	var a, b sample
	var sent int64
	for b.at == 0 && l.joined > 0 {
		at := now()
		if a.at == 0 && at >= l.from {
			a = l.sample(m)
		}
		if at >= l.to {
			b = l.sample(m)
			break
		}
		sent += main.due(l, at)
		other.due(l, at)
		next := main.next
		if other != nil && other.rate > 0 {
			next = min(next, other.next)
		}
		l.poll(max(0, min(int64(next), l.to)-now()))
	}
	due := float64(sent) * float64(main.fan)
	for end := now() + int64(t.drain*1e6); now() < end && float64(l.inWindow) < due && l.joined > 0; {
		l.poll(20_000)
	}
	r := load.Row{
		What: "window", Rate: main.rate, Loss: per(due-float64(l.inWindow), due), Closed: l.closed, Refused: l.refused,
		P50: l.latency.quantile(.5), P99: l.latency.quantile(.99), P999: l.latency.quantile(.999), Max: float64(l.latency.max) / 1e3,
	}
	if b.at == 0 {
		r.Loss = 1 // every socket is gone
		return r
	}
	seconds, n := float64(b.at-a.at)/1e6, float64(b.received-a.received)
	r.Delivered = n / seconds
	r.CPU = per((b.cpu-a.cpu)*1e6, n)
	for i := range m.also {
		r.Also = append(r.Also, per((b.also[i]-a.also[i])*1e6, n))
	}
	r.Core = (b.cpu - a.cpu) / seconds
	r.Client = (b.own - a.own) / seconds
	r.Writes = per(b.writes-a.writes, n)
	r.PerRead = per(n, float64(b.reads-a.reads))
	r.Other = float64(b.other-a.other) / seconds
	return r
}

// per returns a/b, or 0 if b is 0.
func per(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// good says whether a rate was carried.
func good(r load.Row, fan int, p99Max float64) bool {
	return r.P99 <= p99Max && r.Loss <= 0 && r.Closed == 0 && r.Refused == 0 && r.Delivered >= 0.97*r.Rate*float64(fan)
}

// address reads a loopback address; this client loads nobody else.
func address(text string) (unix.SockaddrInet4, error) {
	host, port, ok := strings.Cut(text, ":")
	n, err := strconv.Atoi(port)
	if !ok || err != nil || host != "127.0.0.1" {
		return unix.SockaddrInet4{}, fmt.Errorf("the address must be 127.0.0.1:PORT: %q", text)
	}
	return unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: n}, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "wsload:", err)
	os.Exit(1)
}
