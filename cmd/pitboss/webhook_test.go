package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/webhooks"
)

func TestWebhooksAreManagedFromTheCommandLine(t *testing.T) {
	f := newCasino(t)
	call := func(into any, args ...string) {
		t.Helper()
		out, err := f.cli(slices.Concat([]string{"webhook"}, args, []string{"--tenant", "casino-x", "--json"})...)
		if err == nil {
			err = json.Unmarshal([]byte(out), into)
		}
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	why := []string{"--reason", "a test"}
	var made, rotated webhookWithSecret
	call(&made, append([]string{"create", "https://receiver.example/hook", "--types", "round.settled,player.kicked", "--description", "the ledger"}, why...)...)
	if !strings.HasPrefix(made.Secret, "whsec_") || made.State != webhooks.Active || len(made.Types) != 2 || made.Description != "the ledger" {
		t.Errorf("created: %+v", made)
	}
	id := made.ID.String()
	var list []webhooks.Endpoint
	call(&list, "list")
	if len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("listed: %+v", list)
	}
	var e webhooks.Endpoint
	call(&e, append([]string{"pause", id}, why...)...)
	if e.State != webhooks.Paused || e.Reason != "a test" {
		t.Errorf("paused: %+v", e)
	}
	if _, err := f.cli("webhook", "test", id, "--tenant", "casino-x", "--reason", "a test"); err == nil || !strings.Contains(err.Error(), "resume it first") {
		t.Errorf("a test of one that is paused: %v", err)
	}
	call(&e, append([]string{"resume", id}, why...)...)
	call(&e, "show", id)
	if e.State != webhooks.Active {
		t.Errorf("resumed: %+v", e)
	}
	call(&rotated, append([]string{"rotate", id}, why...)...)
	if rotated.Secret == made.Secret || rotated.FormerUntil.IsZero() {
		t.Errorf("rotated: %+v", rotated)
	}
	var sent map[string]string
	call(&sent, append([]string{"test", id}, why...)...)
	var told []webhooks.Delivery
	call(&told, "deliveries", id)
	if len(told) != 1 || told[0].WebhookID.String() != sent["webhook_id"] || told[0].Type != "webhook.test" || told[0].State != "pending" {
		t.Errorf("deliveries: %+v, want %v", told, sent)
	}
	call(&told, "deliveries", id, "--where", "state=pending", "--where", "type.prefix=webhook.", "--sort", "id")
	if len(told) != 1 {
		t.Errorf("pending: %+v", told)
	}
	call(&told, "deliveries", id, "--where", "state.in=delivered,dropped")
	if len(told) != 0 {
		t.Errorf("delivered or dropped: %+v", told)
	}
	if _, err := f.cli("webhook", "deliveries", id, "--tenant", "casino-x", "--where", "state=lost"); err == nil || !strings.Contains(err.Error(), "want one of pending") {
		t.Errorf("a state that there is not: %v", err)
	}
	for want, args := range map[string][]string{
		"has not ended":    {"replay", id, "1"},
		"no such delivery": {"replay", id, "99"},
		"there is no type": {"create", "https://receiver.example/", "--types", "bet.placed"},
		"want an absolute": {"create", "receiver.example"},
		"shows them":       {"delete", "00000000-0000-0000-0000-000000000001"},
	} {
		if out, err := f.cli(slices.Concat([]string{"webhook"}, args, []string{"--tenant", "casino-x", "--reason", "a test"})...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, %s; want %q", args, err, out, want)
		}
	}
	out, err := f.cli("webhook", "list", "--tenant", "casino-x")
	if err != nil || !strings.Contains(out, id) || strings.Contains(out, "whsec_") {
		t.Errorf("for people: %v, %s", err, out)
	}
	var gone map[string]string
	call(&gone, append([]string{"delete", id}, why...)...)
	call(&list, "list")
	if len(list) != 0 {
		t.Errorf("after it was deleted: %+v", list)
	}
}
