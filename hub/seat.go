package hub

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

const (
	// seatRepeatInterval is the interval at which a seat is published again: after the bus lost a
	// message, a player may have two sockets for that long.
	seatRepeatInterval = 30 * time.Second
	// seatRepeatsMax bounds the seats that wait to be published again; the others wait for the next check.
	seatRepeatsMax = 4096
)

// Sit gives the socket its player's seat: of the sockets of all nodes that listen to the player's
// own topic, those with a smaller seat are closed as superseded. Seats are numbers of one clock
// for all nodes, read after Hold of the topic and before its Release. A socket that is closed
// already, because its player came again, takes no seat from anybody.
func (c *Conn) Sit(topic tenant.Topic, seat int64) {
	c.mu.Lock()
	m := c.member(topic)
	if c.closing != nil || m == nil || m.topic == nil {
		c.mu.Unlock()
		return
	}
	c.seat, c.seated = seat, m.topic
	c.mu.Unlock()
	if m.topic.seat.Load() > seat { // published before this socket had its seat
		c.Close(wire.CloseSuperseded, 0)
		return
	}
	c.seatAt.Store(c.hub.wheel.now())
	c.hub.publishSeat(Message{Topic: topic, Class: ClassResult, Seat: seat})
}

// applySeat closes the sockets that a seat, taken on this node or another, supersedes.
func (t *topic) applySeat(seat int64) {
	for {
		newest := t.seat.Load()
		if seat <= newest {
			return
		}
		if t.seat.CompareAndSwap(newest, seat) {
			break
		}
	}
	var gone []*Conn
	t.mu.RLock()
	for _, m := range t.members {
		m.conn.mu.Lock()
		if m.player && m.conn.seat != 0 && m.conn.seat < seat {
			gone = append(gone, m.conn)
		}
		m.conn.mu.Unlock()
	}
	t.mu.RUnlock()
	for _, c := range gone {
		c.Close(wire.CloseSuperseded, 0)
	}
}

func (h *Hub) publishSeat(m Message) {
	ctx, cancel := context.WithTimeout(h.life, busTimeout)
	defer cancel()
	if err := h.Publish(ctx, m); err != nil {
		h.log.Debug("a seat is told later", "topic", m.Topic.String(), "error", err)
	}
}

// repeatSeat queues the socket's seat to be published again if it is due.
func (c *Conn) repeatSeat(at int64) {
	c.mu.Lock()
	seat, t := c.seat, c.seated
	c.mu.Unlock()
	if seat == 0 || at-c.seatAt.Load() < int64(seatRepeatInterval) {
		return
	}
	select {
	case c.hub.seatRepeats <- Message{Topic: t.name, Class: ClassResult, Seat: seat}:
		c.seatAt.Store(at)
	default:
	}
}

// repeatSeats publishes queued seats again until ctx ends.
func (h *Hub) repeatSeats(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-h.seatRepeats:
			h.publishSeat(m)
		}
	}
}
