package hub

import (
	"sync/atomic"
	"time"
)

// Limits bound what strangers can grow. A zero field takes its default.
type Limits struct {
	// FrameBytesMax is how long a client's frame may be. Defaults to 16 KiB.
	FrameBytesMax int
	// QueueBytesMax is how much may wait for one socket, held messages and a little for
	// each message included. Defaults to 256 KiB.
	QueueBytesMax int
	// SocketsMax is how many sockets this node takes. Defaults to 50,000.
	SocketsMax int
	// SocketsPerTenantMax is how many of them one tenant may have. Defaults to 20,000.
	SocketsPerTenantMax int
	// TopicsPerConnMax is how many topics a socket may listen to. Defaults to 32.
	TopicsPerConnMax int
	// CommandsPerSecond and CommandsBurst are a socket's commands. Default to 50 and 100.
	CommandsPerSecond, CommandsBurst int
	// TenantCommandsPerSecond is all of a tenant's sockets' commands on this node.
	// Defaults to 20,000.
	TenantCommandsPerSecond int
	// BytesPerSecond and BytesBurst are the bytes of a socket's commands. Default to 128 KiB
	// and 512 KiB.
	BytesPerSecond, BytesBurst int
	// TenantBytesPerSecond is all of a tenant's sockets' bytes of commands on this node.
	// Defaults to 32 MiB.
	TenantBytesPerSecond int
	// RefusalsMax is how many more commands may be refused for a socket's own limits than are
	// allowed before the socket is closed: who sends three times its limit has 20 seconds.
	// Defaults to 1,000.
	RefusalsMax int
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
	limitTopics         = "topics_per_conn"
	limitCommands       = "commands_per_second"
	limitTenantCommands = "tenant_commands_per_second"
	limitBytes          = "bytes_per_second"
	limitTenantBytes    = "tenant_bytes_per_second"
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
	set(&l.SocketsMax, 50_000)
	set(&l.SocketsPerTenantMax, 20_000)
	set(&l.TopicsPerConnMax, 32)
	set(&l.CommandsPerSecond, 50)
	set(&l.CommandsBurst, 100)
	set(&l.TenantCommandsPerSecond, 20_000)
	set(&l.BytesPerSecond, 128<<10)
	set(&l.BytesBurst, 512<<10)
	set(&l.TenantBytesPerSecond, 32<<20)
	set(&l.RefusalsMax, 1000)
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
	// idleIntervals is how many heartbeat intervals a client may say nothing.
	idleIntervals = 3
	// itemBytes is what a waiting message costs besides its frame.
	itemBytes = 128
)

// bucket is a token bucket: what x/time/rate does, in 8 bytes and without a lock, since each
// socket has two. It keeps the moment at which it is full again, which is the virtual
// scheduling form of the generic cell rate algorithm (ITU-T I.371).
type bucket struct{ full atomic.Int64 } // UnixNano

// take takes n of perSecond, of which burst may be taken at once, and reports whether they
// were there.
func (b *bucket) take(now int64, n, perSecond, burst int) bool {
	each := float64(time.Second) / float64(perSecond)
	for {
		was := b.full.Load()
		full := max(was, now) + int64(float64(n)*each)
		if full-now > int64(float64(burst)*each) {
			return false
		}
		if b.full.CompareAndSwap(was, full) {
			return true
		}
	}
}
