package session

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// chatKept is how many lines of a room's chat a new arrival is shown.
	chatKept = 50
	// chatKeptFor is how long a room's lines are kept after the last of them, also if the room, or
	// its tenant, has closed meanwhile.
	chatKeptFor = 24 * time.Hour
	// chatSweepEvery is how often old lines are looked for at most.
	chatSweepEvery = time.Minute
)

// chats holds the latest lines said in each room, on this node, in memory: chat is
// company, not a record.
type chats struct {
	mu    sync.Mutex
	lines map[rooms.Ref][]chatLine // oldest first; guarded by mu
	swept time.Time                // guarded by mu
}

type chatLine struct {
	by      string // the subject: never sent
	message wire.ChatMessage
}

func newChats() *chats { return &chats{lines: map[rooms.Ref][]chatLine{}} }

// keep adds a line, and forgets those that are too many or too old.
func (c *chats) keep(ref rooms.Ref, line chatLine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := append(c.lines[ref], line)
	if len(kept) > chatKept {
		kept = append([]chatLine(nil), kept[len(kept)-chatKept:]...)
	}
	c.lines[ref] = kept
	now := line.message.At.Time
	if now.Sub(c.swept) < chatSweepEvery {
		return
	}
	c.swept = now
	for ref, lines := range c.lines {
		if now.Sub(lines[len(lines)-1].message.At.Time) > chatKeptFor {
			delete(c.lines, ref)
		}
	}
}

// latest returns a room's lines as viewer may see them.
func (c *chats) latest(ref rooms.Ref, viewer string) []wire.ChatMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]wire.ChatMessage, 0, len(c.lines[ref]))
	for _, line := range c.lines[ref] {
		m := line.message
		m.Mine = line.by == viewer
		out = append(out, m)
	}
	return out
}

// forget forgets the lines of a room.
func (c *chats) forget(ref rooms.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.lines, ref)
}

// say tells a room's sockets what a person says under a name. That person's own sockets get the form that says
// "mine".
func (s *Service) say(ctx context.Context, ref rooms.Ref, subject, name string, text strict.Line) error {
	m := wire.ChatMessage{Room: ref.Room, ID: uuid.NewString(), From: name, Text: string(text), At: wire.At(time.Now())}
	public := wire.Push(wire.PushChatMessage, m)
	s.chat.keep(ref, chatLine{subject, m})
	m.Mine = true
	mine := wire.Push(wire.PushChatMessage, m)
	return s.hub.Publish(ctx, hub.Message{
		Topic: ref.Topic(), Class: hub.ClassChat, Frame: public,
		Private: []hub.Private{{Player: subject, Frame: mine}},
	})
}
