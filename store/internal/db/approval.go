package db

import (
	"encoding/json"
	"strings"

	"github.com/pitboss-hub/pitboss/rooms"
)

// Person is who asks for something or answers, and by what. A part of the platform has no role.
type Person struct {
	Role, Subject string
	rooms.Origin
}

// PersonOf returns the Person of an actor of the audit log: a role and a subject, or a part of the platform.
func PersonOf(actor string, from rooms.Origin) Person {
	role, subject, ok := strings.Cut(actor, ":")
	if !ok {
		role, subject = "", actor
	}
	return Person{role, subject, from}
}

// Actor returns the person as the audit log names it.
func (p Person) Actor() string {
	if p.Role == "" {
		return p.Subject
	}
	return p.Role + ":" + p.Subject
}

// roleKey is auth.APIKey, which this package does not know.
const roleKey = "key"

// Key returns the ID of the API key that the person is, or "".
func (p Person) Key() string {
	if p.Role == roleKey {
		return p.Subject
	}
	return ""
}

// Ask is something that is done once a second person agrees.
type Ask struct {
	ID      string          // the command's, a UUID
	Kind    string          // what is done
	Target  string          // to whom, or to what
	Request json.RawMessage // what else there is to know of it
	Reason  string
	By      Person
	People  []string // the subjects of the people behind By: itself, or those behind an API key. None of them can agree.
}

// Approved is an Ask that a second person agreed to.
type Approved struct {
	Ask
	Approver Person
}
