package redisbus_test

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
)

func someTenant(t testing.TB) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}

func room(t testing.TB) tenant.Topic { return someTenant(t).Topic("room", uuid.NewString()) }

func contains(text, part string) bool { return strings.Contains(text, part) }

func split(t testing.TB, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func number(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// key is that of all nodes.
var key = bytes.Repeat([]byte("k"), 32)

func TestAURLThatNamesNoRedisIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:6379", "http://x", "redis://", "redis://x/one", "redis://a,b/0",
		"redis-sentinel://a:1", "redis-cluster://a:1/2", "redis://:secret@%zz"} {
		_, err := redisbus.Open(redisbus.Options{URL: url, Key: key})
		if !errors.Is(err, redisbus.ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	for _, url := range []string{"redis://x", "rediss://u:p@x:1/3", "redis-sentinel://a:1,b:2/m?db=4", "redis-cluster://a:1,b:2"} {
		if _, err := redisbus.Open(redisbus.Options{URL: url, Key: key}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}
