package operator_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// lists asks for the ledger's postings and the audit log, chosen and sorted, in pages and whole.
func lists(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	const players = 3
	for i := range players {
		for n := range 400 { // more than a page of a stream
			if n < 200 || i == 0 {
				c.Player(fmt.Sprintf("lister-%d", i), game.Money(n+1))
			}
		}
	}
	c.Post(operator, "/v1/players/lister-0/credit", withID(`"amount":-7,"reason":"=HYPERLINK(\"http://example.com\"), \"quoted\""`)).Want(http.StatusOK, "")

	type posting struct {
		ID, Amount        int64
		Kind, Player, Ref string
	}
	var page struct {
		Postings []posting
		Next     string
	}
	var amounts []int64
	for cursor, first := "", true; first || cursor != ""; first = false {
		page.Postings, page.Next = nil, ""
		c.Get(operator, "/v1/ledger/postings?player=lister-1&kind=credit&amount.gte=190&sort=id&limit=3&cursor="+cursor).Into(&page)
		for _, p := range page.Postings {
			amounts = append(amounts, p.Amount)
		}
		cursor = page.Next
	}
	if want := []int64{190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200}; !slices.Equal(amounts, want) {
		t.Errorf("the postings are %v", amounts)
	}

	whole := c.Do(http.MethodGet, operator, "/v1/ledger/postings?player.prefix=lister-&limit=1", "", "Accept", "text/csv").Want(http.StatusOK, "")
	table, err := csv.NewReader(strings.NewReader(string(whole.Body))).ReadAll()
	if err != nil || len(table) != 1+400+2*200+1 || fmt.Sprint(table[0]) != "[id at kind player amount room ref command_id reverses]" {
		t.Fatalf("%d lines of CSV, %v, %v", len(table), table[0], err)
	}
	if line := table[1]; line[4] != "-7" || line[6] != `'=HYPERLINK("http://example.com"), "quoted"` {
		t.Errorf("the first line is %q", line)
	}
	if got := whole.Header.Get("Content-Type") + whole.Header.Get("Content-Disposition"); got != `text/csv; charset=utf-8attachment; filename="postings.csv"` {
		t.Errorf("it comes as %s", got)
	}
	lines := c.Do(http.MethodGet, operator, "/v1/players?player.prefix=lister-&sort=-balance", "", "Accept", "application/jsonl").Want(http.StatusOK, "")
	if got := strings.Count(string(lines.Body), "\n"); got != players || !strings.HasPrefix(string(lines.Body), `{"player":"lister-0","balance":80193,`) {
		t.Errorf("%d lines: %s", got, lines.Body)
	}
	none := c.Do(http.MethodGet, operator, "/v1/audit?actor=nobody", "", "Accept", "text/csv").Want(http.StatusOK, "")
	if got := string(none.Body); got != "id,at,actor,action,target,reason,before,after,address,credential,request\n" {
		t.Errorf("an empty list is %q", got)
	}
	c.Do(http.MethodGet, operator, "/v1/players?sort=colour", "", "Accept", "text/csv").Want(http.StatusBadRequest, wire.CodeInvalidParams)
	rounds := c.Do(http.MethodGet, operator, "/v1/players/lister-0/transactions", "", "Accept", "text/csv").Want(http.StatusOK, "")
	if got := strings.Count(string(rounds.Body), "\n"); got != 1+401 {
		t.Errorf("%d lines of transactions", got)
	}
}

// listsInMemory asks for rooms, games and keys, which are in memory or few, chosen and sorted, in pages and whole.
func listsInMemory(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	for i := range 5 {
		c.OpenRoom(fmt.Sprint("listed-", i), webtest.Slow)
		c.Post(operator, "/v1/keys", fmt.Sprintf(`{"name":"listed-%d","scopes":["rooms:read"],"reason":"a test"}`, i)).Want(http.StatusCreated, "")
	}
	var page struct {
		Rooms []struct{ Room string }
		Keys  []struct{ Name string }
		Next  string
	}
	for path, want := range map[string]string{
		"/v1/rooms?room.prefix=listed-":                                     "listed-0 listed-1 listed-2 listed-3 listed-4",
		"/v1/rooms?sort=-room&room.prefix=listed-":                          "listed-4 listed-3 listed-2 listed-1 listed-0",
		"/v1/rooms?room.in=listed-3,listed-1,none&status=open&players.lt=1": "listed-1 listed-3",
		"/v1/rooms?room.prefix=listed-&game=crash":                          "",
		"/v1/keys?name.prefix=listed-&state=active":                         "listed-4 listed-3 listed-2 listed-1 listed-0",
		"/v1/keys?name.prefix=listed-&sort=name":                            "listed-0 listed-1 listed-2 listed-3 listed-4",
		"/v1/keys?name.prefix=listed-&state.in=expired,revoked":             "",
		"/v1/keys?name.prefix=listed-&expires_at.gte=2020-01-01T00:00:00Z":  "",
	} {
		for _, limit := range []string{"", "&limit=2"} {
			var got []string
			for cursor, first := "", true; first || cursor != ""; first = false {
				page.Rooms, page.Keys, page.Next = nil, nil, ""
				c.Get(operator, path+limit+"&cursor="+cursor).Want(http.StatusOK, "").Into(&page)
				for _, r := range page.Rooms {
					got = append(got, r.Room)
				}
				for _, k := range page.Keys {
					got = append(got, k.Name)
				}
				if cursor = page.Next; limit == "" && cursor != "" {
					t.Errorf("%s has another page, without a limit", path)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s%s: %v", path, limit, got)
			}
		}
	}
	rooms := c.Do(http.MethodGet, operator, "/v1/rooms?room=listed-1", "", "Accept", "text/csv").Want(http.StatusOK, "")
	if got := string(rooms.Body); !strings.HasPrefix(got, "room,game,name,status,settings,players\nlisted-1,") || strings.Count(got, "\n") != 2 {
		t.Errorf("as CSV: %s", got)
	}
	keys := c.Do(http.MethodGet, operator, "/v1/keys?name.prefix=listed-", "", "Accept", "application/jsonl").Want(http.StatusOK, "")
	if got := strings.Count(string(keys.Body), "\n"); got != 5 {
		t.Errorf("%d lines: %s", got, keys.Body)
	}
	games := c.Do(http.MethodGet, operator, "/v1/games?name=roulette", "", "Accept", "text/csv").Want(http.StatusOK, "")
	if got := string(games.Body); !strings.HasPrefix(got, "name,settings\nroulette,") {
		t.Errorf("as CSV: %s", got)
	}
}
