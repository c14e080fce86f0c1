package freeport

import (
	"fmt"
	"net"
	"os"
	"testing"
)

func TestAPortIsGivenOnceAndNeverByTheKernel(t *testing.T) {
	from := 49152
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if _, err := fmt.Sscan(string(text), &from); err != nil {
			t.Fatal(err)
		}
	}
	given := map[int]bool{}
	for range 300 {
		port, err := Take()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] || port < 1024 || port >= from {
			t.Fatalf("%d; given already: %v; the kernel's begin at %d", port, given[port], from)
		}
		given[port] = true
	}
}

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	first, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	mu.Lock()
	next = (next + count - 1) % count // it is that one's turn again
	mu.Unlock()
	address, err := Address()
	if err != nil || address == taken.Addr().String() {
		t.Fatal(address, err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
