package main

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// envFile is where "pitboss dev" leaves its connection strings, inside --dir, for the
// other commands to find.
const envFile = "env"

// settle sets, from the folder of "pitboss dev", what neither flags nor the
// environment gave.
func (g *globals) settle() error {
	if g.Database != "" && g.Admin != "" && g.MasterKey != "" {
		return nil
	}
	values, err := readEnv(filepath.Join(g.Dir, envFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for name, into := range map[string]*string{
		"PITBOSS_DATABASE_URL": &g.Database, "PITBOSS_ADMIN_DATABASE_URL": &g.Admin, "PITBOSS_MASTER_KEY": &g.MasterKey,
	} {
		if *into == "" {
			*into = values[name]
		}
	}
	return nil
}

func readEnv(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	values := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if k, v, ok := strings.Cut(lines.Text(), "="); ok {
			values[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return values, lines.Err()
}

func writeEnv(name string, lines ...string) error {
	return os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// box returns the box that decrypts secrets in the database.
func (g *globals) box() (*seal.Box, error) {
	if g.MasterKey == "" {
		return nil, errors.New("there is no master key: set PITBOSS_MASTER_KEY to 32 random bytes in base64 (openssl rand -base64 32), always the same for one database")
	}
	key, err := base64.StdEncoding.DecodeString(g.MasterKey)
	if err != nil || len(key) != 32 {
		return nil, errors.New("PITBOSS_MASTER_KEY is not 32 bytes in base64; make one with: openssl rand -base64 32")
	}
	return seal.NewBox(key)
}

// openStore connects with the app's login.
func (p *program) openStore() (*store.Store, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	if p.Database == "" {
		return nil, errors.New("there is no database: start 'pitboss dev' in this folder first, name its folder by --dir, or set PITBOSS_DATABASE_URL")
	}
	box, err := p.box()
	if err != nil {
		return nil, err
	}
	return store.Open(p.ctx, store.Options{URL: p.Database, ControlURL: p.Control, Box: box, Log: p.log, Application: p.application, VerifiedDomainsOnly: p.verifiedDomainsOnly})
}

// openAdmin connects with the owner's login. It makes no casino at the hosts that the environment names for nodes, or at
// those of "pitboss dev" on its database.
func (p *program) openAdmin() (*tenancy.Admin, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	if p.Admin == "" {
		return nil, errors.New("there is no owner's login: start 'pitboss dev' in this folder first, name its folder by --dir, or set PITBOSS_ADMIN_DATABASE_URL")
	}
	box, err := p.box()
	if err != nil {
		return nil, err
	}
	admin, err := tenancy.OpenAdmin(p.ctx, p.Admin, box)
	if err != nil {
		return nil, err
	}
	admin.Actor, admin.Log = actor(), p.log
	dev, err := readEnv(filepath.Join(p.Dir, envFile))
	if err != nil || dev["PITBOSS_ADMIN_DATABASE_URL"] != p.Admin {
		dev = nil
	}
	for _, name := range []string{"PITBOSS_PLATFORM_HOST", "PITBOSS_SUBFOLDER_HOST"} {
		host, err := hostFlag(cmp.Or(os.Getenv(name), dev[name]))
		if err != nil {
			admin.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if host != "" {
			admin.OwnHosts = append(admin.OwnHosts, host)
		}
	}
	return admin, nil
}

// withAdmin runs do with the owner's login.
func (p *program) withAdmin(do func(*tenancy.Admin) error) error {
	admin, err := p.openAdmin()
	if err != nil {
		return err
	}
	defer admin.Close()
	return do(admin)
}

// withTenant runs do with the app's login, for the tenant of that slug.
func (p *program) withTenant(slug string, do func(*store.Store, *tenancy.Tenant) error) error {
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := tenantNamed(s, slug)
	if err != nil {
		return err
	}
	return do(s, t)
}

// tenantNamed finds a tenant by its slug. It returns the errors of Tenant.Open.
func tenantNamed(s *store.Store, slug string) (*tenancy.Tenant, error) {
	t, ok := s.Tenants.Named(tenant.Slug(slug))
	if !ok {
		return nil, noTenant(slug)
	}
	return t, t.Open()
}

func noTenant(slug string) error {
	return fmt.Errorf("there is no tenant %q; 'pitboss tenant list' shows them", slug)
}

// secrets lists the environment variables that hold one. Each may be given as a file instead, as Docker and
// Kubernetes do, in the variable of that name with _FILE at its end.
var secrets = []string{"PITBOSS_DATABASE_URL", "PITBOSS_CONTROL_DATABASE_URL", "PITBOSS_ADMIN_DATABASE_URL", "PITBOSS_MASTER_KEY", "PITBOSS_REDIS_URL"}

// secretsFromFiles sets the variables of secrets that are given as files.
func secretsFromFiles() error {
	for _, name := range secrets {
		file := os.Getenv(name + "_FILE")
		if file == "" {
			continue
		}
		if os.Getenv(name) != "" {
			return fmt.Errorf("both %s and %s_FILE are set: leave one out", name, name)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
		value := strings.TrimSpace(string(text))
		if value == "" {
			return fmt.Errorf("%s_FILE: %s is empty", name, file)
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
	}
	return nil
}
