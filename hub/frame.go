package hub

import "encoding/binary"

// frame is a message as it goes over the wire, header and all. What a server sends is not
// masked (RFC 6455 §5.1), so one frame serves every socket that the message is for: it is
// built once, queued by pointer and never changed. The garbage collector counts who still
// needs it.
type frame struct {
	bytes []byte
	class Class
	seq   int64
	slot  slot // what it replaces; zero: nothing
}

// Opcodes with the FIN bit (RFC 6455 §5.2).
const (
	finText  = 0x81
	finClose = 0x88
)

// newFrame returns nil if there is nothing to say.
func newFrame(payload []byte, class Class, seq int64, s slot) *frame {
	if len(payload) == 0 {
		return nil
	}
	return &frame{appendFrame(make([]byte, 0, headerMax+len(payload)), finText, payload), class, seq, s}
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
