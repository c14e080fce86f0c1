package e2e

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestComposeKeepsApartWhatNeedNotMeet looks at who has the owner's login, who reaches whom, and that
// everything has its bounds.
func TestComposeKeepsApartWhatNeedNotMeet(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Image       string
			Build       yaml.Node
			Environment map[string]string
			Networks    yaml.Node
			DependsOn   yaml.Node `yaml:"depends_on"`
			Memory      string    `yaml:"mem_limit"`
			Logging     yaml.Node
			Grace       string `yaml:"stop_grace_period"`
		}
	}
	if err := yaml.Unmarshal([]byte(defaulted(string(raw))), &compose); err != nil {
		t.Fatal(err)
	}
	networks := map[string][]string{} // by service
	for name, s := range compose.Services {
		var list []string
		if err := s.Networks.Decode(&list); err != nil {
			var named map[string]yaml.Node
			if err := s.Networks.Decode(&named); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for n := range named {
				list = append(list, n)
			}
		}
		networks[name] = list
		if len(list) == 0 {
			t.Errorf("%s is in the default network, with everybody", name)
		}
		if s.Memory == "" || s.Logging.IsZero() {
			t.Errorf("%s has no limit of memory, or of its log", name)
		}
		if built := !s.Build.IsZero(); built != (name == "migrate" || name == "platform") {
			t.Errorf("%s: built %t", name, built)
		}
		if _, version, ok := strings.Cut(s.Image, ":"); !ok || version == "latest" || !strings.HasPrefix(s.Image, "pitboss:") && !strings.HasPrefix(s.Image, "pitboss-platform:") && strings.Count(version, ".") < 1 {
			t.Errorf("%s is of no exact version: %s", name, s.Image)
		}
		owner := s.Environment["PITBOSS_ADMIN_DATABASE_URL"] != "" || s.Environment["PITBOSS_OWNER_PASSWORD"] != ""
		if owner != (name == "migrate" || name == "platform" || name == "postgres") {
			t.Errorf("%s: has the owner's login %t", name, owner)
		}
	}
	for name, in := range networks {
		meets := slices.ContainsFunc(in, func(n string) bool { return slices.Contains(networks["proxy"], n) })
		if meets != (name == "proxy" || strings.HasPrefix(name, "node-")) {
			t.Errorf("the proxy reaches %s: %t", name, meets)
		}
	}
	admins := map[string]bool{}
	for _, name := range []string{"node-1", "node-2"} {
		var at map[string]struct {
			Address string `yaml:"ipv4_address"`
		}
		s := compose.Services[name]
		admin := s.Environment["PITBOSS_ADMIN_LISTEN"]
		if err := s.Networks.Decode(&at); err != nil || at["metrics"].Address == "" || admin != at["metrics"].Address+":9090" || admins[admin] {
			t.Errorf("%s shows metrics and profiles at %s, not at its own address in the network metrics: %v, %v", name, admin, at, err)
		}
		admins[admin] = true
	}
	if slices.Contains(networks["proxy"], "metrics") {
		t.Error("the proxy reaches metrics and profiles")
	}
	proxy := compose.Services["proxy"]
	if !proxy.DependsOn.IsZero() || proxy.Grace != "40s" {
		t.Error("docker compose stop ends the proxy before the nodes have drained")
	}
}

// TestAlertsAndDashboardNameMetricsThatAreThere compares them with what a node of several shows.
func TestAlertsAndDashboardNameMetricsThatAreThere(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	f := newCasino(t)
	x := f.startOn("node-1", "redis://"+redis.Addr)
	eventually(t, "the node is ready", x.ready)
	at := *f
	at.address = x.admin
	_, _, metrics := at.do("GET", "/metrics", "", "")
	shown := "\n" + string(metrics)
	var code strings.Builder
	for _, folder := range []string{"auth", "cmd", "hub", "rooms", "store", "web"} {
		root := os.DirFS(filepath.Join("..", "..", "..", folder))
		err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "node_modules":
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			text, err := fs.ReadFile(root, path)
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	known := func(metric string) bool {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			metric = strings.TrimSuffix(metric, suffix)
		}
		if strings.Contains(shown, "\n# TYPE "+metric+" ") {
			return true
		}
		// A counter with labels is shown when it has counted, and the bus has a registry of its own.
		short := metric
		for _, prefix := range []string{"pitboss_hub_", "pitboss_redis_"} {
			short = strings.TrimPrefix(short, prefix)
		}
		return strings.Contains(code.String(), `"`+metric+`"`) || strings.Contains(code.String(), `"`+short+`"`)
	}
	alerts, err := os.ReadFile("../../../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := os.ReadFile("../../../deploy/grafana/pitboss.json")
	if err != nil || !json.Valid(dashboard) {
		t.Fatalf("the dashboard: %v", err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil || len(rules.Groups) != 1 || len(rules.Groups[0].Rules) < 10 {
		t.Fatalf("the alerts: %v, %+v", err, rules)
	}
	names := regexp.MustCompile(`\b(pitboss|process)_[a-z_]+\b`)
	found := 0
	for what, text := range map[string][]byte{"alerts.yml": alerts, "pitboss.json": dashboard} {
		for _, metric := range names.FindAllString(string(text), -1) {
			found++
			if !known(metric) {
				t.Errorf("%s: nothing shows %s", what, metric)
			}
		}
	}
	if found < 30 {
		t.Errorf("%d metrics were looked at", found)
	}
}
