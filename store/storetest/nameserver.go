package storetest

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// NameServer is a DNS server of a test, which has TXT records only.
type NameServer struct {
	// Address is where it listens, by UDP.
	Address string

	mu     sync.Mutex // guards what follows
	txt    map[string][]string
	silent bool
}

// NewNameServer runs a DNS server until the test ends.
func NewNameServer(t testing.TB) *NameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &NameServer{Address: conn.LocalAddr().String(), txt: map[string][]string{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.serve(t, conn)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return s
}

// Set replaces the TXT records of a name; without any, there is no such name.
func (s *NameServer) Set(name string, records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[strings.ToLower(name)+"."] = records
}

// Silence has the server answer no more.
func (s *NameServer) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

func (s *NameServer) serve(t testing.TB, conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			t.Errorf("name server: %v", err)
			return
		}
		var asked dnsmessage.Message
		if err := asked.Unpack(buf[:n]); err != nil || len(asked.Questions) != 1 {
			t.Errorf("name server: a question that is none: %v", err)
			continue
		}
		answer, ok := s.answer(asked)
		if !ok {
			continue
		}
		packed, err := answer.Pack()
		if err == nil {
			_, err = conn.WriteTo(packed, from)
		}
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("name server: %v", err)
		}
	}
}

// answer returns what is answered to a message, and false if nothing is.
func (s *NameServer) answer(asked dnsmessage.Message) (dnsmessage.Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := asked.Questions[0]
	records := s.txt[strings.ToLower(q.Name.String())]
	out := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired, RecursionAvailable: true},
		Questions: asked.Questions,
	}
	if len(records) == 0 {
		out.RCode = dnsmessage.RCodeNameError
	}
	for _, r := range records {
		if q.Type != dnsmessage.TypeTXT {
			break
		}
		out.Answers = append(out.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.TXTResource{TXT: []string{r}},
		})
	}
	return out, !s.silent
}
