package hub

import "github.com/pitboss-hub/pitboss/hub/wire"

// lateMax bounds the bytes that a closed socket still reads until its client's close frame; each
// frame counts as lateFrame more.
const (
	lateMax   = 8 << 20
	lateFrame = 1 << 10
)

// inbound parses the frame headers in a client's bytes (RFC 6455 §5.2). It exists because the library
// answers control frames, and joins fragments, without telling how many there were.
type inbound struct {
	skip  uint64 // bytes left of the frame's mask and payload
	size  uint64 // as far as it has been read
	first byte
	extra uint8 // bytes of the size that are still to come
	stage uint8
	mask  uint8 // its length
}

// The stages of a header: what comes next.
const (
	stageFirst uint8 = iota
	stageSize
	stageExtra
)

// scan returns the number of frames whose headers end in p, and how many of them complete no
// message.
func (f *inbound) scan(p []byte) (all, bare int) {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(p)))
			f.skip -= n
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		switch f.stage {
		case stageFirst:
			f.first, f.stage = b, stageSize
			continue
		case stageSize:
			f.stage, f.extra, f.size, f.mask = stageExtra, 0, uint64(b&0x7f), b>>7*4
			switch f.size {
			case 126:
				f.size, f.extra = 0, 2
			case 127:
				f.size, f.extra = 0, 8
			}
		case stageExtra:
			f.size = f.size<<8 | uint64(b)
			f.extra--
		}
		if f.extra == 0 {
			f.skip, f.stage = f.size+uint64(f.mask), stageFirst
			all++
			if final, op := f.first&0x80 != 0, f.first&0x0f; !final || op > finClose&0x0f {
				bare++
			}
		}
	}
	return all, bare
}

// observe counts the client's bytes and frames before the library sees them.
func (l *link) observe(p []byte) {
	all, bare := l.inbound.scan(p)
	c := l.c
	if c.Closing() {
		if l.lateBytes += len(p) + all*lateFrame; l.lateBytes > lateMax {
			l.unread = nil
			c.cut()
		}
		return
	}
	if bare > 0 && !c.subject.frames.take(c.hub.clock(), bare, c.hub.rates.frames) {
		c.hub.hit(c.id.Tenant, limitFrames)
		c.Close(wire.CloseFlood, overloadRetry)
	}
}
