package hub

import (
	"sync/atomic"
	"time"
)

// DefaultSocketsMax is the default of Limits.SocketsMax.
const DefaultSocketsMax = 50_000

// Limits bounds what clients can consume. A zero field means its default.
type Limits struct {
	// FrameBytesMax bounds the length of a client's frame. Defaults to 16 KiB.
	FrameBytesMax int
	// QueueBytesMax bounds a socket's queue, including held messages and a little overhead for
	// each message. Defaults to 256 KiB.
	QueueBytesMax int
	// SocketsMax bounds the sockets of this node. Defaults to DefaultSocketsMax.
	SocketsMax int
	// SocketsPerTenantMax bounds the sockets of a tenant on this node. Defaults to 20,000.
	SocketsPerTenantMax int
	// TopicsPerConnMax bounds the topics that a socket may listen to. Defaults to 32.
	TopicsPerConnMax int
	// SocketsPerStaffMax bounds the sockets of one of the operator's staff on this node; a player
	// has one. Defaults to 32.
	SocketsPerStaffMax int

	// The following limits are for one subject on this node, a player or one of the operator's staff,
	// over all its sockets: reconnecting does not reset them.

	// ConnectsPerSecond and ConnectsBurst limit its connects. A client that backs off from
	// 250 ms to 10 s tries 7 times in the first 10 s, and a rolling restart moves it once for each
	// node. Default to 2 and 20.
	ConnectsPerSecond, ConnectsBurst int
	// CommandsPerSecond and CommandsBurst limit its commands, counted as described at Conn.Allow.
	// Default to 50 and 200.
	CommandsPerSecond, CommandsBurst int
	// BytesPerSecond and BytesBurst limit the bytes of its commands. Default to 128 KiB and 512 KiB.
	BytesPerSecond, BytesBurst int
	// ChatPerSecond and ChatBurst limit its lines of chat. Default to 1 and 5.
	ChatPerSecond, ChatBurst int
	// FramesPerSecond and FramesBurst limit its frames that complete no message: pings, pongs and
	// fragments. Beyond the limit the socket is closed. Default to 20 and 100.
	FramesPerSecond, FramesBurst int
	// RefusalsPerSecond and RefusalsBurst limit how many of its commands are refused before the
	// socket is closed: at three times the limit of commands, after 20 seconds. Default to 50 and 1,000.
	RefusalsPerSecond, RefusalsBurst int

	// The following limits are for all subjects of a tenant on this node together. Commands and their
	// bytes are shared fairly: a subject beyond its share, the limit divided by the number of subjects,
	// must leave half of the limit to the others.

	// TenantConnectsPerSecond and TenantConnectsBurst limit their connects, so that all sockets of
	// a draining node (SocketsPerTenantMax) may come. Default to 2,000 and 10,000.
	TenantConnectsPerSecond, TenantConnectsBurst int
	// TenantCommandsPerSecond limits their commands, counted as described at Conn.Allow. Defaults
	// to 20,000.
	TenantCommandsPerSecond int
	// TenantBytesPerSecond limits the bytes of their commands. Defaults to 32 MiB.
	TenantBytesPerSecond int
}

// TenantLimits are the limits of one tenant, over all nodes. A limit of 0 is none but those of Limits, which hold in any case.
type TenantLimits struct {
	// Players is how many of its players may be connected at once. Staff is not counted, so that whoever runs the casino gets in.
	Players int64
	// Elsewhere is how many are connected to other nodes, as far as this one knows.
	Elsewhere int64
	// CommandsPerSecond limits the commands of all of them, counted as described at Conn.Allow. This node has its players'
	// part of it.
	CommandsPerSecond int64
}

// Windows is how long a message of each class may be delayed, to be written together with later ones:
// fewer system calls, more latency. Results and replies are never delayed, and are written with what
// is. Zero means no delay; docs/benchmarks shows what a window saves.
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
	limitPlanSockets    = "plan_sockets"
	limitPlanQuestions  = "plan_questions"
	limitPlanCommands   = "plan_commands_per_second"
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
	// closeTimeout bounds the time from Close to the end of the socket: then the connection of
	// a client that does not answer, or does not read, is cut.
	closeTimeout = 5 * time.Second
	// writeTimeout bounds one write; then the socket counts as dead.
	// The kernel's buffers take most frames at once.
	writeTimeout = 10 * time.Second
	// busTimeout bounds one call to the bus.
	busTimeout = 5 * time.Second
	// drainPerSecond is how many sockets a draining node closes a second: a fraction of the new
	// ones that another node can accept (docs/benchmarks) beside its own work.
	drainPerSecond = 2000
	// drainSpread bounds the time over which they are closed.
	drainSpread = 5 * time.Second
	// drainTick is the interval at which some are closed.
	drainTick = 20 * time.Millisecond
	// drainRetry is roughly when their clients should reconnect: their rooms have moved by then.
	drainRetry = 200 * time.Millisecond
	// overloadRetry is roughly when a client should retry after the node was full.
	overloadRetry = 10 * time.Second
	// connectRetry is when a client that connected too often may retry: one connect has been refilled by then.
	connectRetry = time.Second
	// idleIntervals is how many heartbeat intervals a client may be silent.
	idleIntervals = 3
	// itemBytes is the memory of a queued message besides its frame.
	itemBytes = 128
)

// rate is the rate and size of a bucket: one token is refilled every interval nanoseconds, and an
// empty bucket is full after capacity nanoseconds.
type rate struct {
	interval float64
	capacity int64
}

func rateOf(perSecond, burst int) rate {
	each := float64(time.Second) / float64(perSecond)
	return rate{each, int64(float64(burst) * each)}
}

// rates holds the rates of Limits.
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

// bucket is a token bucket like that of x/time/rate, but in 8 bytes and without a lock, since each
// subject has many. It stores the time at which it is full again, which is the virtual scheduling
// form of the generic cell rate algorithm (ITU-T I.371). Times are nanoseconds of Hub.clock.
type bucket struct{ full atomic.Int64 }

// take takes n tokens if they are there, and reports whether they were.
func (b *bucket) take(now int64, n int, r rate) bool {
	cost := int64(float64(n) * r.interval)
	for {
		old := b.full.Load()
		full := max(old, now) + cost
		if full-now > r.capacity {
			return false
		}
		if b.full.CompareAndSwap(old, full) {
			return true
		}
	}
}

// give gives n tokens back that were taken.
func (b *bucket) give(n int, r rate) { b.full.Add(-int64(float64(n) * r.interval)) }

// forgive has the bucket be full within a time, as if no more had been taken.
func (b *bucket) forgive(now int64, within int64) {
	for {
		old := b.full.Load()
		if old <= now+within || b.full.CompareAndSwap(old, now+within) {
			return
		}
	}
}

// rescale has what was taken come back in by times the time, since the rate has changed.
func (b *bucket) rescale(now int64, by float64) {
	for {
		old := b.full.Load()
		if old <= now || b.full.CompareAndSwap(old, now+int64(float64(old-now)*by)) {
			return
		}
	}
}

// idle reports whether the bucket is full.
func (b *bucket) idle(now int64) bool { return b.full.Load() <= now }
