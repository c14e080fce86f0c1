package fair

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// ErrUnhealthy means that an engine's output failed its health test. The engine returns nothing any more;
// an operator has to look at it and restart the node.
var ErrUnhealthy = errors.New("fair: the random engine repeats itself")

// Engine is a source of secret random bytes. It is safe for use by many goroutines.
type Engine interface {
	// Read fills p, or returns an error and leaves nothing of use in p.
	Read(p []byte) error
	// Health returns why the engine cannot be relied upon now; nil if it can.
	Health() error
	// Identity names the engine and its version, for the record.
	Identity() string
}

// repetitions is the cutoff of the repetition count test of NIST SP 800-90B §4.4.1
// for bytes of full entropy: 1 + 64/8, so that a sound source fails it once in 2^64
// bytes and a stuck one at its ninth byte.
const repetitions = 9

// OS returns an Engine that reads the operating system's generator by way of crypto/rand, with a continuous
// repetition count test.
func OS() Engine {
	return &tested{
		identity: "crypto/rand " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		source:   rand.Reader,
	}
}

// tested passes on a source's bytes as long as they pass its health test.
type tested struct {
	// Set once.
	identity string
	source   io.Reader

	mu   sync.Mutex // guards what follows
	last byte       // the latest byte
	run  int        // how often it came in a row
	err  error      // why the latest Read failed; an ErrUnhealthy stays for good
}

// Read implements Engine.
func (e *tested) Read(p []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if errors.Is(e.err, ErrUnhealthy) {
		return e.err
	}
	if _, err := io.ReadFull(e.source, p); err != nil {
		clear(p)
		e.err = fmt.Errorf("fair: read %s: %w", e.identity, err)
		return e.err
	}
	e.err = nil
	for _, b := range p {
		if e.run > 0 && b == e.last {
			e.run++
		} else {
			e.last, e.run = b, 1
		}
		if e.run == repetitions {
			clear(p)
			e.err = fmt.Errorf("%w: %s gave the same byte %d times in a row", ErrUnhealthy, e.identity, repetitions)
			return e.err
		}
	}
	return nil
}

// Health implements Engine.
func (e *tested) Health() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Identity implements Engine.
func (e *tested) Identity() string { return e.identity }

// NewSeed returns a seed that was never used before. If the engine fails it returns no seed, and no round
// may be opened.
func NewSeed(e Engine) (game.Seed, error) {
	var seed game.Seed
	if err := e.Read(seed[:]); err != nil {
		return game.Seed{}, fmt.Errorf("new seed: %w", err)
	}
	return seed, nil
}
