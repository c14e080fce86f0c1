package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

var (
	// ErrNoAnswer means that a node did not reply in time: it is not known whether it served the
	// request.
	ErrNoAnswer = errors.New("hub: the node does not answer")
	// ErrNodeName means that a string is not a valid node name.
	ErrNodeName = errors.New("hub: a node's name is 1 to 64 letters, digits, dots, hyphens and underscores")
)

// subscribeRetryDelay is the pause after the bus refused a subscription.
const subscribeRetryDelay = 250 * time.Millisecond

var nodeForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// CheckNode returns ErrNodeName if name is not a valid node name.
func CheckNode(name string) error {
	if !nodeForm.MatchString(name) {
		return fmt.Errorf("%w: %q", ErrNodeName, name)
	}
	return nil
}

// Answerer serves a request of another node and calls reply, at most once. It is called in the
// order in which a node sends its requests and must not block; it may keep body. reply is nil for a
// message to all nodes.
type Answerer func(from string, body []byte, reply func([]byte))

// peers sends and receives the messages between nodes over the bus: requests to one node, replies,
// and broadcasts to all. A message may be lost, but none is received twice.
type peers struct {
	hub *Hub

	mu       sync.Mutex // guards what follows
	handlers map[string]Answerer
	pending  map[uint64]*pendingRequest
	last     uint64 // starts at a random number, so that replies to an earlier process of this name match nothing
}

type pendingRequest struct {
	node  string
	reply func([]byte, error)
	timer *time.Timer
}

// The kinds of messages between nodes.
const (
	peerRequest = iota + 1
	peerReply
	peerBroadcast
)

func newPeers(h *Hub) *peers {
	return &peers{hub: h, handlers: map[string]Answerer{}, pending: map[uint64]*pendingRequest{}, last: rand.Uint64()}
}

// Answer registers f for the messages that nodes send by Ask or Tell under this method.
func (h *Hub) Answer(method string, f Answerer) {
	h.peers.mu.Lock()
	defer h.peers.mu.Unlock()
	h.peers.handlers[method] = f
}

// Ask sends a request to a node, which may be this one, without blocking. answer is called once and
// must not block either; its error is ErrNoAnswer after within, or the bus's.
func (h *Hub) Ask(node, method string, body []byte, within time.Duration, answer func([]byte, error)) {
	p := h.peers
	q := &pendingRequest{node: node, reply: answer}
	p.mu.Lock()
	p.last++
	id := p.last
	p.pending[id] = q
	q.timer = time.AfterFunc(within, func() { p.complete(id, nil, ErrNoAnswer) })
	p.mu.Unlock()
	if err := p.send(node, peerMessage{kind: peerRequest, id: id, from: h.node, method: method, body: body}); err != nil {
		p.complete(id, nil, err)
	}
}

// Forget ends all requests that wait for a reply from the node, with ErrNoAnswer.
func (h *Hub) Forget(node string) {
	p := h.peers
	var ids []uint64
	p.mu.Lock()
	for id, q := range p.pending {
		if q.node == node {
			ids = append(ids, id)
		}
	}
	p.mu.Unlock()
	for _, id := range ids {
		p.complete(id, nil, ErrNoAnswer)
	}
}

// Tell sends a message to every node, this one too. It is lost for nodes that the bus does not reach.
func (h *Hub) Tell(method string, body []byte) error {
	return h.peers.send(tenant.AllNodes, peerMessage{kind: peerBroadcast, from: h.node, method: method, body: body})
}

func (p *peers) send(node string, m peerMessage) error {
	ctx, cancel := context.WithTimeout(context.Background(), busTimeout)
	defer cancel()
	return p.hub.Publish(ctx, Message{Topic: tenant.NodeTopic(node), Class: ClassResult, Frame: m.encode()})
}

// listen subscribes to the messages of other nodes, and retries until it has.
func (p *peers) listen(ctx context.Context) {
	for _, name := range []string{p.hub.node, tenant.AllNodes} {
		for ctx.Err() == nil {
			err := p.hub.bus.Subscribe(ctx, tenant.NodeTopic(name))
			if err == nil {
				break
			}
			p.hub.log.Warn("other nodes are not heard yet", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(subscribeRetryDelay):
			}
		}
	}
}

func (p *peers) receive(frame []byte) {
	m, ok := decodePeer(frame)
	if !ok {
		p.hub.log.Warn("another node's message cannot be read", "bytes", len(frame))
		return
	}
	if m.kind == peerReply {
		p.mu.Lock()
		q := p.pending[m.id]
		p.mu.Unlock()
		if q != nil && q.node == m.from {
			p.complete(m.id, m.body, nil)
		}
		return
	}
	p.mu.Lock()
	f := p.handlers[m.method]
	p.mu.Unlock()
	switch {
	case f == nil: // a request of a newer version, or one that came before Answer
	case m.kind == peerBroadcast:
		f(m.from, m.body, nil)
	default:
		f(m.from, m.body, func(body []byte) {
			if err := p.send(m.from, peerMessage{kind: peerReply, id: m.id, from: p.hub.node, body: body}); err != nil {
				p.hub.log.Debug("an answer to another node is lost", "to", m.from, "method", m.method, "error", err)
			}
		})
	}
}

func (p *peers) complete(id uint64, body []byte, err error) {
	p.mu.Lock()
	q := p.pending[id]
	delete(p.pending, id)
	p.mu.Unlock()
	if q != nil {
		q.timer.Stop()
		q.reply(body, err)
	}
}

// peerMessage is one message between nodes. id is the number that the sender gave its request.
type peerMessage struct {
	kind         byte
	id           uint64
	from, method string
	body         []byte
}

func (m peerMessage) encode() []byte {
	b := make([]byte, 0, 1+3*binary.MaxVarintLen64+len(m.from)+len(m.method)+len(m.body))
	b = append(b, m.kind)
	b = binary.AppendUvarint(b, m.id)
	b = append(binary.AppendUvarint(b, uint64(len(m.from))), m.from...)
	b = append(binary.AppendUvarint(b, uint64(len(m.method))), m.method...)
	return append(b, m.body...)
}

func decodePeer(b []byte) (m peerMessage, ok bool) {
	if len(b) == 0 {
		return m, false
	}
	m.kind, b = b[0], b[1:]
	id, n := binary.Uvarint(b)
	if n <= 0 {
		return m, false
	}
	m.id, b = id, b[n:]
	for _, text := range []*string{&m.from, &m.method} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return m, false
		}
		*text, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	m.body = b
	return m, m.kind >= peerRequest && m.kind <= peerBroadcast
}
