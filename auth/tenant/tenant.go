package tenant

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrID means that a string is not a tenant's ID.
var ErrID = errors.New("tenant: not a tenant id")

// ErrSlug means that a string cannot be a tenant's slug.
var ErrSlug = errors.New("tenant: a slug is 2 to 32 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen")

var (
	slugForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}[a-z0-9]$`)
	idForm   = regexp.MustCompile(`^t_([a-z2-7]{16}|[a-z][a-z0-9_]{0,30}[a-z0-9]_[a-z2-7]{6})$`)
	letters  = base32.StdEncoding.WithPadding(base32.NoPadding)
)

// Slug is the name that people and tokens (claim "tid") use for a tenant. A tenant may be given another one; no slug is
// ever given to another tenant.
type Slug string

// ParseSlug returns s as a Slug, or ErrSlug if it cannot be one.
func ParseSlug(s string) (Slug, error) {
	if !slugForm.MatchString(s) || strings.Contains(s, "--") {
		return "", fmt.Errorf("%w: %q", ErrSlug, s)
	}
	return Slug(s), nil
}

// ID identifies a tenant and never changes. The zero ID is no tenant.
type ID struct{ name string }

// New returns an ID that was never used before: t_ and 80 random bits in base32 (RFC 4648 §6). It says nothing
// of the tenant: every role of a database can read the names of its schemas.
func New() ID {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return ID{"t_" + strings.ToLower(letters.EncodeToString(b[:]))}
}

// Parse parses a stored ID. It returns ErrID for anything that New could not have made, now or when IDs
// were t_<slug>_<6 random base32>.
func Parse(s string) (ID, error) {
	if !idForm.MatchString(s) {
		return ID{}, fmt.Errorf("%w: %q", ErrID, s)
	}
	return ID{s}, nil
}

// IsZero reports whether id is no tenant.
func (id ID) IsZero() bool { return id.name == "" }

// String returns the ID as it is stored and logged.
func (id ID) String() string { return id.name }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.name), nil }

// UnmarshalText implements encoding.TextUnmarshaler by Parse.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Schema returns the PostgreSQL schema that holds all of the tenant's data. It needs no
// quoting. It panics on the zero ID, which has no schema.
func (id ID) Schema() string { return id.must() }

// Role returns the NOLOGIN PostgreSQL role that may read and write the tenant's schema,
// and nothing else.
func (id ID) Role() string { return id.must() }

// Topic names a stream of messages inside the tenant. kind says what sort of
// thing key is ("room", "player"), so that a room and a player of the same name
// stay apart.
func (id ID) Topic(kind, key string) Topic {
	return Topic{tenant: ID{id.must()}, kind: kind, key: key}
}

func (id ID) must() string {
	if id.name == "" {
		panic("tenant: the zero ID has no names")
	}
	return id.name
}

// Topic is a stream of messages inside one tenant, or between nodes. It is comparable; only
// ID.Topic and NodeTopic make one, so a topic of nobody does not exist.
type Topic struct {
	tenant    ID
	kind, key string
}

// AllNodes is the name for all nodes in NodeTopic.
const AllNodes = "*"

// kindNode is the kind of the platform's own topics, which belong to no tenant.
const kindNode = "node"

// NodeTopic returns the topic of messages to a node, or to AllNodes. It belongs to no tenant, so no
// socket can listen to it.
func NodeTopic(node string) Topic { return Topic{kind: kindNode, key: node} }

// Tenant returns the tenant of the topic; the zero ID for a NodeTopic.
func (t Topic) Tenant() ID { return t.tenant }

// Kind returns the kind that was passed to ID.Topic.
func (t Topic) Kind() string { return t.kind }

// Key returns the key that was passed to ID.Topic.
func (t Topic) Key() string { return t.key }

// IsZero reports whether t is no topic.
func (t Topic) IsZero() bool { return t == Topic{} }

// String returns the topic's name between nodes: tenant:kind:key. Neither a tenant nor a
// kind contains a colon, so no two topics share a name.
func (t Topic) String() string { return t.tenant.name + ":" + t.kind + ":" + t.key }

// ParseTopic parses a name that String returned.
func ParseTopic(s string) (Topic, error) {
	name, rest, ok := strings.Cut(s, ":")
	kind, key, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || kind == "" || key == "" {
		return Topic{}, fmt.Errorf("tenant: not a topic: %q", s)
	}
	if name == "" && kind == kindNode {
		return NodeTopic(key), nil
	}
	id, err := Parse(name)
	if err != nil {
		return Topic{}, err
	}
	return id.Topic(kind, key), nil
}
