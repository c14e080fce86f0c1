package web

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// nodesWithin is how long other nodes are waited for; who does not answer is left out, and
	// the answer says so.
	nodesWithin = time.Second
	// nodeQuestionsMax is how many questions of other nodes are worked on at once; more are not
	// answered.
	nodeQuestionsMax = 8
)

// What nodes ask each other about their sockets.
const (
	methodConnections = "web.connections"
	methodOnline      = "web.online"
)

// nodeQuestion is what a node asks the others about a tenant's sockets.
type nodeQuestion struct {
	Tenant  tenant.ID `json:"tenant"`
	Limit   int       `json:"limit,omitempty"`   // of connections
	Players []string  `json:"players,omitempty"` // who of them is online?
}

// answerNodes makes f answer other nodes. It takes its time elsewhere than where the bus
// delivers.
func answerNodes[T any](s *Server, method string, f func(nodeQuestion) T) {
	s.hub.Answer(method, func(from string, body []byte, reply func([]byte)) {
		var q nodeQuestion
		if err := strict.DecodeKnown(body, &q); err != nil || reply == nil {
			s.log.Warn("another node's question can not be read", "method", method, "from", from, "error", err)
			return
		}
		select {
		case s.asked <- struct{}{}:
		default:
			s.hit(limitNodeQuestions)
			return
		}
		go func() {
			defer func() { <-s.asked }()
			if body, err := json.Marshal(f(q)); err == nil {
				reply(body)
			}
		}()
	})
}

// askNodes asks every node that lives, this one by f, and reports whether all answered.
func askNodes[T any](ctx context.Context, s *Server, method string, q nodeQuestion, f func(nodeQuestion) T) (answers []T, complete bool) {
	type outcome struct {
		answer T
		ok     bool
	}
	body, err := json.Marshal(q)
	nodes := s.rooms.Nodes()
	outcomes := make(chan outcome, len(nodes))
	waiting := 0
	for _, node := range nodes {
		if node == s.node {
			continue
		}
		waiting++
		s.hub.Ask(node, method, body, nodesWithin, func(body []byte, err error) {
			var o outcome
			o.ok = err == nil && strict.DecodeKnown(body, &o.answer) == nil
			outcomes <- o
		})
	}
	answers, complete = append(answers, f(q)), err == nil
	for range waiting {
		select {
		case <-ctx.Done():
			return answers, false
		case o := <-outcomes:
			if !o.ok {
				complete = false
				continue
			}
			answers = append(answers, o.answer)
		}
	}
	return answers, complete
}
