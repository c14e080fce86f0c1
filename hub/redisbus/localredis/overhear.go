package localredis

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Message is a published message.
type Message struct{ Channel, Payload string }

// Overhear acts as an attacker with access to a Redis, for tests. It returns the messages published on
// channels that match pattern until ctx ends, also after the server was restarted, and a function that
// publishes.
func Overhear(ctx context.Context, address, pattern string) (heard <-chan Message, say func(Message) error) {
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	sub := c.PSubscribe(ctx, pattern)
	out := make(chan Message)
	go func() {
		defer close(out)
		defer func() { _ = sub.Close(); _ = c.Close() }()
		messages := sub.Channel()
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-messages:
				if !ok {
					return
				}
				select {
				case out <- Message{m.Channel, m.Payload}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, func(m Message) error { return c.Publish(ctx, m.Channel, m.Payload).Err() }
}
