package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
)

// A room that closed, or whose tenant did, is not chatted in any more, but for a last line that
// comes afterwards. Its chat does not stay for good.
func TestChatOfRoomsThatAreSilentIsForgotten(t *testing.T) {
	t.Parallel()
	c := newChats()
	now := time.Now()
	say := func(room string) {
		c.keep(rooms.Ref{Room: room}, chatLine{message: wire.ChatMessage{Room: room, At: wire.At(now)}})
	}
	for i := range 1000 {
		say(fmt.Sprint("closed-", i))
		say("open")
		now = now.Add(time.Second)
	}
	now = now.Add(chatKeptFor)
	say("open")
	if n := len(c.lines); n != 1 {
		t.Errorf("lines of %d rooms are kept, want 1", n)
	}
	if n := len(c.latest(rooms.Ref{Room: "open"}, "")); n != chatKept {
		t.Errorf("%d lines of the open room are kept, want %d", n, chatKept)
	}
}
