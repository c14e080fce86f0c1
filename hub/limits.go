package hub

import (
	"sync/atomic"
	"time"
)

// DefaultSocketsMax is how many sockets a node takes.
const DefaultSocketsMax = 50_000

// Limits bound what strangers can grow. A zero field takes its default.
type Limits struct {
	// FrameBytesMax is how long a client's frame may be. Defaults to 16 KiB.
	FrameBytesMax int
	// QueueBytesMax is how much may wait for one socket, held messages and a little for
	// each message included. Defaults to 256 KiB.
	QueueBytesMax int
	// SocketsMax is how many sockets this node takes. Defaults to
	// DefaultSocketsMax.
	SocketsMax int
	// SocketsPerTenantMax is how many of them one tenant may have. Defaults to 20,000.
	SocketsPerTenantMax int
	// TopicsPerConnMax is how many topics a socket may listen to. Defaults to 32.
	TopicsPerConnMax int
	// SocketsPerStaffMax is how many sockets one of the operator's people may have on this node; a
	// player has one. Defaults to 32.
	SocketsPerStaffMax int

	// The following are one subject's on this node, a player's or one of the operator's people's,
	// whatever sockets it comes with: to come back changes nothing.

	// ConnectsPerSecond and ConnectsBurst are how often it may come. A client that backs off from
	// 250 ms to 10 s tries 7 times in the first 10 s, and a rolling restart moves it once for each
	// node. Default to 2 and 20.
	ConnectsPerSecond, ConnectsBurst int
	// CommandsPerSecond and CommandsBurst are its commands, each of which counts as Conn.Allow
	// says. Default to 50 and 200.
	CommandsPerSecond, CommandsBurst int
	// BytesPerSecond and BytesBurst are the bytes of its commands. Default to 128 KiB and 512 KiB.
	BytesPerSecond, BytesBurst int
	// ChatPerSecond and ChatBurst are its lines of chat. Default to 1 and 5.
	ChatPerSecond, ChatBurst int
	// FramesPerSecond and FramesBurst are its frames that complete no message: pings, pongs and
	// fragments. Beyond them the socket is closed. Default to 20 and 100.
	FramesPerSecond, FramesBurst int
	// RefusalsPerSecond and RefusalsBurst are how many of its commands are refused before the
	// socket is closed: who sends three times its limit has 20 seconds. Default to 50 and 1,000.
	RefusalsPerSecond, RefusalsBurst int

	// The following are all of a tenant's subjects' on this node. Commands and their bytes are
	// shared fairly: who has had its share, the limit divided by the subjects, gets only what
	// leaves half to the others.

	// TenantConnectsPerSecond and TenantConnectsBurst are how often they may come: all that another
	// node may have of them (SocketsPerTenantMax) while it drains. Default to 2,000 and 10,000.
	TenantConnectsPerSecond, TenantConnectsBurst int
	// TenantCommandsPerSecond is their commands, counted as Conn.Allow says. Defaults to 20,000.
	TenantCommandsPerSecond int
	// TenantBytesPerSecond is the bytes of their commands. Defaults to 32 MiB.
	TenantBytesPerSecond int
}

// Windows is how long a message may wait for others that are then written together with it:
// fewer system calls, a later message. Results and answers never wait, and take along what
// does. Zero is no waiting; docs/benchmarks has what a window saves.
type Windows struct{ State, Chat, Promotion time.Duration }

func (w Windows) byClass() [classes]time.Duration {
	return [classes]time.Duration{ClassState: w.State, ClassChat: w.Chat, ClassPromotion: w.Promotion}
}

// The names of the limits in pitboss_hub_limit_hits_total.
const (
	limitFrame          = "frame_bytes"
	limitQueue          = "queue_bytes"
	limitSockets        = "sockets"
	limitTenantSockets  = "sockets_per_tenant"
	limitStaffSockets   = "sockets_per_staff"
	limitTopics         = "topics_per_conn"
	limitConnects       = "connects_per_second"
	limitTenantConnects = "tenant_connects_per_second"
	limitCommands       = "commands_per_second"
	limitTenantCommands = "tenant_commands_per_second"
	limitBytes          = "bytes_per_second"
	limitTenantBytes    = "tenant_bytes_per_second"
	limitFrames         = "frames_per_second"
	limitRefusals       = "refusals"
	limitWrite          = "write_seconds"
)

func (l Limits) withDefaults() Limits {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&l.FrameBytesMax, 16<<10)
	set(&l.QueueBytesMax, 256<<10)
	set(&l.SocketsMax, DefaultSocketsMax)
	set(&l.SocketsPerTenantMax, 20_000)
	set(&l.SocketsPerStaffMax, 32)
	set(&l.TopicsPerConnMax, 32)
	set(&l.ConnectsPerSecond, 2)
	set(&l.ConnectsBurst, 20)
	set(&l.CommandsPerSecond, 50)
	set(&l.CommandsBurst, 200)
	set(&l.BytesPerSecond, 128<<10)
	set(&l.BytesBurst, 512<<10)
	set(&l.ChatPerSecond, 1)
	set(&l.ChatBurst, 5)
	set(&l.FramesPerSecond, 20)
	set(&l.FramesBurst, 100)
	set(&l.RefusalsPerSecond, 50)
	set(&l.RefusalsBurst, 1000)
	set(&l.TenantConnectsPerSecond, 2000)
	set(&l.TenantConnectsBurst, 10_000)
	set(&l.TenantCommandsPerSecond, 20_000)
	set(&l.TenantBytesPerSecond, 32<<20)
	return l
}

const (
	// closeTimeout is what a close may take, from Close to the end of the socket: a
	// client that does not answer, or does not read, is cut then.
	closeTimeout = 5 * time.Second
	// writeTimeout is how long one frame may take before the socket counts as dead.
	// The kernel's buffers take most frames at once.
	writeTimeout = 10 * time.Second
	// busTimeout is how long Hold waits for the bus.
	busTimeout = 5 * time.Second
	// drainPerSecond is how many sockets a second are told to leave a node that drains: a
	// fraction of the new ones that another node can take (docs/benchmarks), next to its own work.
	drainPerSecond = 2000
	// drainSpread is the most that takes.
	drainSpread = 5 * time.Second
	// drainTick is how often some are told.
	drainTick = 20 * time.Millisecond
	// drainRetry is about when one that was told comes back: its table goes on elsewhere already.
	drainRetry = 200 * time.Millisecond
	// overloadRetry is about when a client that found no place should try again.
	overloadRetry = 10 * time.Second
	// connectRetry is when who came too often may come again: one connect has come back by then.
	connectRetry = time.Second
	// idleIntervals is how many heartbeat intervals a client may say nothing.
	idleIntervals = 3
	// itemBytes is what a waiting message costs besides its frame.
	itemBytes = 128
)

// rate is how much may be taken from a bucket: one comes back every each nanoseconds, and an
// empty bucket is full after room nanoseconds.
type rate struct {
	each float64
	room int64
}

func rateOf(perSecond, burst int) rate {
	each := float64(time.Second) / float64(perSecond)
	return rate{each, int64(float64(burst) * each)}
}

// rates are those of Limits.
type rates struct {
	connects, commands, bytes, chat, frames, refusals rate
	tenantConnects, tenantCommands, tenantBytes       rate
}

func (l *Limits) rates() rates {
	return rates{
		connects: rateOf(l.ConnectsPerSecond, l.ConnectsBurst),
		commands: rateOf(l.CommandsPerSecond, l.CommandsBurst),
		bytes:    rateOf(l.BytesPerSecond, l.BytesBurst),
		chat:     rateOf(l.ChatPerSecond, l.ChatBurst),
		frames:   rateOf(l.FramesPerSecond, l.FramesBurst),
		refusals: rateOf(l.RefusalsPerSecond, l.RefusalsBurst),

		tenantConnects: rateOf(l.TenantConnectsPerSecond, l.TenantConnectsBurst),
		tenantCommands: rateOf(l.TenantCommandsPerSecond, l.TenantCommandsPerSecond),
		tenantBytes:    rateOf(l.TenantBytesPerSecond, l.TenantBytesPerSecond),
	}
}

// bucket is a token bucket: what x/time/rate does, in 8 bytes and without a lock, since each
// person has many. It keeps the moment at which it is full again, which is the virtual
// scheduling form of the generic cell rate algorithm (ITU-T I.371). Moments are nanoseconds of
// Hub.clock.
type bucket struct{ full atomic.Int64 }

// take takes n, and reports whether they were there.
func (b *bucket) take(now int64, n int, r rate) bool {
	cost := int64(float64(n) * r.each)
	for {
		was := b.full.Load()
		full := max(was, now) + cost
		if full-now > r.room {
			return false
		}
		if b.full.CompareAndSwap(was, full) {
			return true
		}
	}
}

// idle reports whether the bucket is full.
func (b *bucket) idle(now int64) bool { return b.full.Load() <= now }
