package script

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// BytesMax bounds a script, in bytes.
	BytesMax = 1 << 20
	// statementsMax bounds the statements of a script.
	statementsMax = 1000
)

// ErrScript means that a text is no script; its text says at which line and why.
var ErrScript = errors.New("script: cannot be run")

// Script is a list of statements that may be executed in a tenant's scope.
type Script struct{ statements []statement }

type statement struct {
	text string
	line int // at which it begins
}

const (
	oneTransaction = "a script is one transaction"
	ownSession     = "what it sets would outlive the transaction: use set local"
	keptState      = "a script changes nothing of its session"
	noClient       = "there is no client to talk to"
)

// refused are the words that a statement does not begin with, and why.
var refused = map[string]string{
	"begin": oneTransaction, "start": oneTransaction, "commit": oneTransaction, "end": oneTransaction, "rollback": oneTransaction,
	"abort": oneTransaction, "savepoint": oneTransaction, "release": oneTransaction,
	"set": ownSession, "reset": keptState, "discard": keptState, "prepare": keptState, "deallocate": keptState, "load": keptState,
	"copy": noClient, "listen": noClient, "unlisten": noClient, "notify": noClient,
}

// words matches the words at the beginning of a statement that has no comments. The third is a plain name: not one in
// quotes, nor the U of U&"…".
var words = regexp.MustCompile(`^[\s\v]*([a-zA-Z]+)(?:[\s\v]+([a-zA-Z]+))?(?:[\s\v]+([a-zA-Z_][a-zA-Z0-9_.$]*)(?:[\s\v=]|$))?`)

// setting matches the plain name of what SET sets.
var setting = regexp.MustCompile(`(?i)^[\s\v]*set[\s\v]+([a-z_][a-z0-9_.$]*)`)

// ofScope are settings that a scope has set, by all of their names: SET SCHEMA sets the search_path.
var ofScope = []string{"role", "session", "session_authorization", "search_path", "schema"}

// Parse splits a text into statements. It returns ErrScript.
func Parse(text string) (Script, error) {
	if len(text) > BytesMax {
		return Script{}, fmt.Errorf("%w: it has more than %d bytes", ErrScript, BytesMax)
	}
	var s Script
	p := parser{text: text}
	for {
		st, more, err := p.statement()
		if err != nil {
			return Script{}, err
		}
		if st.text != "" {
			s.statements = append(s.statements, st)
		}
		if !more {
			break
		}
	}
	switch n := len(s.statements); {
	case n == 0:
		return Script{}, fmt.Errorf("%w: it has no statement", ErrScript)
	case n > statementsMax:
		return Script{}, fmt.Errorf("%w: it has %d statements of %d", ErrScript, n, statementsMax)
	}
	for _, st := range s.statements {
		if why := refusal(st.text); why != "" {
			return Script{}, fmt.Errorf("%w: line %d: %s", ErrScript, st.line, why)
		}
	}
	return s, nil
}

// refusal returns why a statement is not executed; "" if it is.
func refusal(text string) string {
	if strings.HasPrefix(strings.TrimSpace(text), `\`) {
		return "commands of psql are no SQL"
	}
	m := words.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	first, second, third := strings.ToLower(m[1]), strings.ToLower(m[2]), strings.ToLower(m[3])
	if first == "set" && second == "local" {
		if third == "" {
			return "set local wants the plain name of a setting, without quotes"
		}
		if slices.Contains(ofScope, third) {
			return "the scope sets the " + third
		}
		return ""
	}
	if m := setting.FindStringSubmatch(text); m != nil && slices.Contains(ofScope, strings.ToLower(m[1])) {
		return "set is refused: the scope sets the " + strings.ToLower(m[1])
	}
	if why := refused[first]; why != "" {
		return first + " is refused: " + why
	}
	return ""
}

// parser finds where statements end, by the lexical rules of PostgreSQL (docs, 4.1): a semicolon ends one unless it is in a
// string, a quoted name or a comment. Comments become spaces.
type parser struct {
	text string
	at   int
}

var dollar = regexp.MustCompile(`^\$([a-zA-Z_\x80-\xff][a-zA-Z0-9_\x80-\xff]*)?\$`)

// statement returns the next statement, which is empty if there is none before the next semicolon, and reports whether
// there was a semicolon.
func (p *parser) statement() (st statement, more bool, err error) {
	var out strings.Builder
	for p.at < len(p.text) {
		from, rest := p.at, p.text[p.at:]
		c := rest[0]
		if c == ';' {
			p.at++
			st.text = strings.TrimSpace(out.String())
			return st, true, nil
		}
		n, comment := 1, false
		switch {
		case strings.HasPrefix(rest, "--"):
			if n, comment = strings.IndexByte(rest, '\n'), true; n < 0 {
				n = len(rest)
			}
		case strings.HasPrefix(rest, "/*"):
			n, comment = endOfComment(rest), true
		case c == '\'':
			n = endOfString(rest, c, p.escapes())
		case c == '"':
			n = endOfString(rest, c, false)
		case c == '$' && !p.inName():
			if tag := dollar.FindString(rest); tag != "" {
				if n = strings.Index(rest[len(tag):], tag); n >= 0 {
					n += 2 * len(tag)
				}
			}
		}
		if n < 0 {
			return st, false, fmt.Errorf("%w: line %d: what begins there does not end", ErrScript, p.line(from))
		}
		p.at += n
		if comment {
			out.WriteByte(' ')
			continue
		}
		if st.line == 0 && !strings.ContainsRune(" \t\r\n\f\v", rune(c)) {
			st.line = p.line(from)
		}
		out.WriteString(rest[:n])
	}
	st.text = strings.TrimSpace(out.String())
	return st, false, nil
}

// line returns the number of the line of a position.
func (p *parser) line(at int) int { return 1 + strings.Count(p.text[:at], "\n") }

// escapes reports whether the string that begins here has backslashes that escape, as E'…' has.
func (p *parser) escapes() bool {
	if p.at == 0 || p.text[p.at-1]|0x20 != 'e' {
		return false
	}
	return p.at == 1 || !isName(p.text[p.at-2])
}

// inName reports whether what begins here goes on with a name, in which a dollar is a letter.
func (p *parser) inName() bool { return p.at > 0 && isName(p.text[p.at-1]) }

func isName(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// endOfString returns the length of the string or the quoted name at the beginning of s; -1 if it does not end.
func endOfString(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return -1
}

// endOfComment returns the length of the comment at the beginning of s, which may have others in it; -1 if it does not
// end.
func endOfComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); {
		switch s[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			if i += 2; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return -1
}
