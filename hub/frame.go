package hub

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"sync"
)

// frame is a message as it goes over the wire, header and all. What a server sends is not
// masked (RFC 6455 §5.1), so one frame serves all sockets that receive the message: it is
// built once, queued by pointer and never changed, and freed by the garbage collector.
type frame struct {
	bytes      []byte
	class      Class
	positioned bool // it is an event, or a beat with the topic's last seq
	seq        int64
	slot       slot // what it replaces; zero: nothing

	deflate  sync.Once
	deflated []byte // made by the first socket that wants it
}

// Opcodes with the FIN bit (RFC 6455 §5.2).
const (
	finText  = 0x81
	rsv1     = 0x40 // the message is compressed (RFC 7692 §6)
	finClose = 0x88
)

// newFrame returns the frame of a payload, or nil if it is empty.
func newFrame(payload []byte, class Class, seq int64, s slot) *frame {
	if len(payload) == 0 {
		return nil
	}
	return &frame{bytes: appendFrame(make([]byte, 0, headerMax+len(payload)), finText, payload), class: class, seq: seq, slot: s}
}

// form returns the bytes for one socket. They are compressed once, for all sockets that negotiated
// permessage-deflate without context takeover, and only if that makes them shorter.
func (f *frame) form(compressed bool) []byte {
	if !compressed || len(f.bytes) < deflateBytesMin {
		return f.bytes
	}
	f.deflate.Do(func() {
		f.deflated = f.bytes
		if b := deflated(f.bytes[headerLen(f.bytes):]); len(b) < len(f.bytes) {
			f.deflated = b
		}
	})
	return f.deflated
}

// deflateBytesMin is the shortest frame that is compressed: a shorter one would save less than the
// headers of its packet.
const deflateBytesMin = 512

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// deflated returns a compressed text frame (RFC 7692 §7.2.1).
func deflated(payload []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = w.Write(payload) // into memory: it does not fail
	_ = w.Flush()
	return appendFrame(make([]byte, 0, headerMax+b.Len()), finText|rsv1, bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

func headerLen(frame []byte) int {
	switch frame[1] {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// headerMax is the longest header of a frame that is not masked.
const headerMax = 10

func appendFrame(b []byte, op byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		b = append(b, op, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, op, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, op, 127), uint64(n))
	}
	return append(b, payload...)
}

// appendClose appends a close frame; reason is at most 123 bytes.
func appendClose(b []byte, code int, reason string) []byte {
	return appendFrame(b, finClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}
