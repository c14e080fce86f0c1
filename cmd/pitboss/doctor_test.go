package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/doctor"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
)

func TestADeploymentIsExaminedOnTheCommandLine(t *testing.T) {
	f := newCasino(t)
	redis, err := localredis.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Stop)
	f.mustCLI("tenant", "create", "--slug", "casino-y", "--name", "Y", "--domain", "casino-y.localhost")
	at := "redis://" + redis.Addr
	if out := f.mustCLI("doctor", "--redis-url", at); !strings.Contains(out, " 0 failed, ") || !strings.Contains(out, "0 keys and 0 channels were looked at") {
		t.Error(out)
	}
	var got examination
	if err := json.Unmarshal([]byte(f.mustCLI("doctor", "--json", "--tenants", f.slug)), &got); err != nil || !got.OK || len(got.Checks) < 25 || got.Error != "" {
		t.Errorf("%+v, %v", got, err)
	}
	owner := storetest.Connect(t, f.adminURL)
	if _, err := owner.Exec(t.Context(), `update `+f.tenant.ID.Schema()+`.account set balance = balance + 1; create index extra on `+f.tenant.ID.Schema()+`.event (epoch)`); err != nil {
		t.Fatal(err)
	}
	out, err := f.cli("doctor", "--json")
	if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "2 of ") {
		t.Errorf("%v, %d", err, exitCode(err))
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.OK {
		t.Error(err, out)
	}
	for _, r := range got.Checks {
		want, evidence := doctor.Pass, ""
		switch r.Check {
		case "balances":
			want, evidence = doctor.Fail, "casino-x: the account of house house has 1 and its transfers add up to 0"
		case "drift":
			want, evidence = doctor.Fail, "+ CREATE INDEX extra"
		case "redis", "pooler":
			want = doctor.Skipped
		}
		if r.Status != want || !strings.Contains(strings.Join(r.Evidence, "\n"), evidence) {
			t.Errorf("%+v", r)
		}
	}
	if out, err := f.cli("doctor", "--max-relations", "10"); err == nil || !strings.Contains(out, "no tenant is made any more") {
		t.Error(err, out)
	}
	for _, args := range [][]string{
		{"--tenants", "nobody"}, {"--timeout", "0s"}, {"--timeout", "1ns"}, {"--redis-url", "no://url"},
	} {
		out, err := f.cli(append([]string{"doctor", "--json"}, args...)...)
		if args[0] == "--redis-url" {
			if exitCode(err) != 1 || !strings.Contains(out, "it could not be checked") {
				t.Errorf("%v: %v, %s", args, err, out)
			}
			continue
		}
		if !errors.Is(err, errNotExamined) || exitCode(err) != 2 {
			t.Errorf("%v: %v, exit code %d, %s", args, err, exitCode(err), out)
		}
	}
}

// TestWhatANodeHasInRedisIsNamedByItsCasino looks at what the bus and the cache of a node that runs have there.
func TestWhatANodeHasInRedisIsNamedByItsCasino(t *testing.T) {
	f := newCasino(t)
	redis, err := localredis.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Stop)
	log := slog.New(slog.DiscardHandler)
	p := &program{ctx: t.Context(), streams: streams{io.Discard, io.Discard}, log: log}
	serve, incarnation := serveCmd{Redis: "redis://" + redis.Addr}, uuid.New()
	bus, err := serve.bus(p, f.store, "test", incarnation, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	values, end, err := serve.values(p, f.store, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	n := newNode(nodeOptions{name: "test", incarnation: incarnation.String(), store: f.store, bus: bus, values: values, log: log, edge: web.Edge{ConnectionsPerAddress: -1}})
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	up, down := make(chan struct{}), make(chan error, 1)
	go func() { down <- n.run(ctx, l, nil, func() { close(up) }) }()
	defer func() {
		cancel()
		if err := <-down; err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-up:
	case err := <-down:
		t.Fatal(err)
	case <-time.After(testPatience):
		t.Fatal("the node did not start")
	}
	values.Put(t.Context(), cache.Place{Key: f.tenant.ID.Key("round", "1"), Epoch: 1, History: f.store.History()}, cache.Entry{Data: []byte("x"), Until: time.Now().Add(time.Hour)})
	var got examination
	if err := json.Unmarshal([]byte(f.mustCLI("doctor", "--json", "--redis-url", serve.Redis)), &got); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got.Checks, func(r doctor.Result) bool { return r.Check == "redis" })
	if r := got.Checks[i]; r.Status != doctor.Pass || !strings.HasPrefix(r.Evidence[0], "1 keys and ") || strings.HasPrefix(r.Evidence[0], "1 keys and 0 ") {
		t.Errorf("%+v", r)
	}
}

func TestNoCasinoIsCreatedPastTheBudget(t *testing.T) {
	f := newCasino(t)
	create := func(args ...string) error {
		_, err := f.cli(append([]string{"tenant", "create", "--slug", "casino-y", "--name", "Y", "--domain", "casino-y.localhost"}, args...)...)
		return err
	}
	if err := create("--max-relations", "100"); !errors.Is(err, tenancy.ErrCatalogBudget) || !strings.Contains(err.Error(), "of 100 (--max-relations)") {
		t.Error(err)
	}
	t.Setenv("PITBOSS_MAX_ROLES", "3")
	if err := create(); !errors.Is(err, tenancy.ErrCatalogBudget) || !strings.Contains(err.Error(), "of 3 (--max-roles)") {
		t.Error(err)
	}
	if err := create("--no-schema"); err != nil {
		t.Error(err)
	}
	if _, err := f.cli("tenant", "provision", "casino-y"); !errors.Is(err, tenancy.ErrCatalogBudget) {
		t.Error(err)
	}
	if err := create("--max-roles=-1"); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Error(err)
	}
	t.Setenv("PITBOSS_MAX_ROLES", "1000")
	f.mustCLI("tenant", "provision", "casino-y")
}
