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
	// ErrNoAnswer means that a node did not answer in time: it is not known whether it did
	// what it was asked.
	ErrNoAnswer = errors.New("hub: the node does not answer")
	// ErrNodeName means that a text can not be a node's name.
	ErrNodeName = errors.New("hub: a node's name is 1 to 64 letters, digits, dots, hyphens and underscores")
)

// listenAgain is the pause after the bus refused to let a node listen.
const listenAgain = 250 * time.Millisecond

var nodeForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// CheckNode returns ErrNodeName if name can not be a node's.
func CheckNode(name string) error {
	if !nodeForm.MatchString(name) {
		return fmt.Errorf("%w: %q", ErrNodeName, name)
	}
	return nil
}

// Answerer does what another node asks and calls reply with the answer, at most once. It is
// called in the order in which a node asks and must not block; body is its own to keep. reply
// is nil for what was told to all.
type Answerer func(from string, body []byte, reply func([]byte))

// peers is what nodes say to each other over the bus: questions to one of them, which are
// answered or not, and news to all. A message may be lost, and none comes twice.
type peers struct {
	hub *Hub

	mu        sync.Mutex // guards what follows
	answerers map[string]Answerer
	waiting   map[uint64]*question
	last      uint64 // begins anywhere: an answer to an earlier process of this name is nobody's
}

type question struct {
	node   string
	answer func([]byte, error)
	late   *time.Timer
}

// What a message between nodes is.
const (
	peerQuestion = iota + 1
	peerAnswer
	peerNews
)

func newPeers(h *Hub) *peers {
	return &peers{hub: h, answerers: map[string]Answerer{}, waiting: map[uint64]*question{}, last: rand.Uint64()}
}

// Answer makes f do what this node is asked by Ask or told by Tell under this name.
func (h *Hub) Answer(method string, f Answerer) {
	h.peers.mu.Lock()
	defer h.peers.mu.Unlock()
	h.peers.answerers[method] = f
}

// Ask asks a node, which may be this one, and never blocks. answer is called once and must not
// block either; its error is ErrNoAnswer after within, or what the bus says.
func (h *Hub) Ask(node, method string, body []byte, within time.Duration, answer func([]byte, error)) {
	p := h.peers
	q := &question{node: node, answer: answer}
	p.mu.Lock()
	p.last++
	id := p.last
	p.waiting[id] = q
	q.late = time.AfterFunc(within, func() { p.answered(id, nil, ErrNoAnswer) })
	p.mu.Unlock()
	if err := p.send(node, peerMessage{kind: peerQuestion, id: id, from: h.node, method: method, body: body}); err != nil {
		p.answered(id, nil, err)
	}
}

// Forget tells whoever waits for a node's answer that there will be none: ErrNoAnswer.
func (h *Hub) Forget(node string) {
	p := h.peers
	var ids []uint64
	p.mu.Lock()
	for id, q := range p.waiting {
		if q.node == node {
			ids = append(ids, id)
		}
	}
	p.mu.Unlock()
	for _, id := range ids {
		p.answered(id, nil, ErrNoAnswer)
	}
}

// Tell tells every node, this one too. It is lost for those that the bus does not reach.
func (h *Hub) Tell(method string, body []byte) error {
	return h.peers.send(tenant.AllNodes, peerMessage{kind: peerNews, from: h.node, method: method, body: body})
}

func (p *peers) send(node string, m peerMessage) error {
	ctx, cancel := context.WithTimeout(context.Background(), busTimeout)
	defer cancel()
	return p.hub.Publish(ctx, Message{Topic: tenant.NodeTopic(node), Class: ClassResult, Frame: m.encode()})
}

// listen subscribes to what other nodes say, sooner or later.
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
			case <-time.After(listenAgain):
			}
		}
	}
}

func (p *peers) received(frame []byte) {
	m, ok := decodePeer(frame)
	if !ok {
		p.hub.log.Warn("another node's message can not be read", "bytes", len(frame))
		return
	}
	if m.kind == peerAnswer {
		p.mu.Lock()
		q := p.waiting[m.id]
		p.mu.Unlock()
		if q != nil && q.node == m.from {
			p.answered(m.id, m.body, nil)
		}
		return
	}
	p.mu.Lock()
	f := p.answerers[m.method]
	p.mu.Unlock()
	switch {
	case f == nil: // a newer version's question, or one that came too early
	case m.kind == peerNews:
		f(m.from, m.body, nil)
	default:
		f(m.from, m.body, func(body []byte) {
			if err := p.send(m.from, peerMessage{kind: peerAnswer, id: m.id, from: p.hub.node, body: body}); err != nil {
				p.hub.log.Debug("an answer to another node is lost", "to", m.from, "method", m.method, "error", err)
			}
		})
	}
}

func (p *peers) answered(id uint64, body []byte, err error) {
	p.mu.Lock()
	q := p.waiting[id]
	delete(p.waiting, id)
	p.mu.Unlock()
	if q != nil {
		q.late.Stop()
		q.answer(body, err)
	}
}

// peerMessage is one message between nodes. id is the asking node's number of the question.
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
	return m, m.kind >= peerQuestion && m.kind <= peerNews
}
