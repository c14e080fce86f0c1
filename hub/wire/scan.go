package wire

import (
	"encoding/json"
	"fmt"
)

// DepthMax is how deep objects and arrays may be nested in a frame.
const DepthMax = 32

// scanner reads JSON text strictly: RFC 8259's grammar, no member twice in one
// object, nesting to DepthMax. It does not look at UTF-8; see Decode. Its error is
// for the client to read.
type scanner struct {
	text  []byte
	pos   int
	names [][]byte // of the objects that are open, the innermost's last
}

// scanObject reads text as one object, and shows each member in order. Name is
// unescaped; value is a part of text. A visit that returns false ends the scan.
func scanObject(text []byte, visit func(name, value []byte) bool) error {
	s := scanner{text: text, names: make([][]byte, 0, listMax)}
	s.space()
	if s.peek() != '{' {
		return s.errorf("an object was expected")
	}
	if err := s.object(1, visit); err != nil {
		return err
	}
	s.space()
	if s.pos < len(s.text) {
		return s.errorf("there is something after the end of the object")
	}
	return nil
}

func (s *scanner) errorf(format string, a ...any) error {
	return fmt.Errorf("byte %d: %s", s.pos, fmt.Sprintf(format, a...))
}

// peek returns 0 at the end of the text; a 0 in the text fits no rule either.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) value(depth int) error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(depth+1, nil)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		_, err := s.str()
		return err
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.errorf("a value was expected")
}

func (s *scanner) object(depth int, visit func(name, value []byte) bool) error {
	if depth > DepthMax {
		return s.errorf("nested deeper than %d", DepthMax)
	}
	base, many := len(s.names), map[string]struct{}(nil)
	defer func() { s.names = s.names[:base] }()
	s.pos++ // {
	s.space()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		s.space()
		if s.peek() != '"' {
			return s.errorf("a member's name was expected")
		}
		name, err := s.str()
		if err != nil {
			return err
		}
		if !s.added(name, base, &many) {
			return s.errorf("member %.40q stands twice in one object", name)
		}
		s.space()
		if s.peek() != ':' {
			return s.errorf("a colon was expected")
		}
		s.pos++
		s.space()
		start := s.pos
		if err := s.value(depth); err != nil {
			return err
		}
		if visit != nil && !visit(name, s.text[start:s.pos]) {
			visit = nil
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.errorf("a comma or a closing brace was expected")
		}
	}
}

func (s *scanner) array(depth int) error {
	if depth > DepthMax {
		return s.errorf("nested deeper than %d", DepthMax)
	}
	s.pos++ // [
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.errorf("a comma or a closing bracket was expected")
		}
	}
}

// str reads a string and returns what it says.
func (s *scanner) str() ([]byte, error) {
	start, plain := s.pos, true
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			if plain {
				return s.text[start+1 : s.pos-1], nil
			}
			var said string
			if err := json.Unmarshal(s.text[start:s.pos], &said); err != nil {
				return nil, s.errorf("a string can not be read")
			}
			return []byte(said), nil
		case c < ' ':
			return nil, s.errorf("a control character in a string")
		case c == '\\':
			plain = false
			if s.pos++; s.peek() == 'u' {
				for range 4 {
					if s.pos++; !isHex(s.peek()) {
						return nil, s.errorf("not a \\u escape")
					}
				}
			} else if !isEscape(s.peek()) {
				return nil, s.errorf("not an escape")
			}
		}
	}
	return nil, s.errorf("a string does not end")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isEscape(c byte) bool {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.errorf("a digit was expected")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.errorf("a digit was expected")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.errorf("a digit was expected")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for '0' <= s.peek() && s.peek() <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) word(w string) error {
	if len(s.text)-s.pos < len(w) || string(s.text[s.pos:s.pos+len(w)]) != w {
		return s.errorf("a value was expected")
	}
	s.pos += len(w)
	return nil
}

// listMax is from how many members on an object's names are looked up in a map:
// before that, going through a list costs less.
const listMax = 16

// added adds name to those of the object whose names begin at base, unless it is there.
func (s *scanner) added(name []byte, base int, many *map[string]struct{}) bool {
	if *many == nil {
		names := s.names[base:]
		for _, n := range names {
			if string(n) == string(name) {
				return false
			}
		}
		if len(names) < listMax {
			s.names = append(s.names, name)
			return true
		}
		*many = make(map[string]struct{}, 4*listMax)
		for _, n := range names {
			(*many)[string(n)] = struct{}{}
		}
	}
	if _, twice := (*many)[string(name)]; twice {
		return false
	}
	(*many)[string(name)] = struct{}{}
	return true
}
