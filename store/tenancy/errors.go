package tenancy

import "errors"

var (
	// ErrOlderSchema means that the database lacks migrations that this binary needs.
	ErrOlderSchema = errors.New("store: the database is of an older version than this binary: run pitboss migrate")
	// ErrEncoding means that the database cannot keep every text that people write.
	ErrEncoding = errors.New("store: the database must be made with encoding UTF8 (create database … encoding 'UTF8' template template0)")
	// ErrAppLogin means that the application's login cannot keep tenants apart.
	ErrAppLogin = errors.New("store: the application's login must be another than the owner's, and no superuser")
	// ErrOlderNode means that a node serves that is older than tenants' statuses, and would serve a tenant that is in
	// maintenance; its text names such nodes.
	ErrOlderNode = errors.New("store: nodes of an older version serve")
	// ErrSlugTaken means that a tenant has, or had, that slug.
	ErrSlugTaken = errors.New("store: a tenant has, or had, this slug")
	// ErrDomainTaken means that the domain belongs to a tenant already.
	ErrDomainTaken = errors.New("store: this domain belongs to a tenant already")
	// ErrDomain means that a text cannot be a tenant's domain; its text says why.
	ErrDomain = errors.New("store: not a domain")
	// ErrUnverified means that DNS does not have a domain's challenge; its text says what it has.
	ErrUnverified = errors.New("store: the domain is not verified")
	// ErrPlan means that a plan cannot be as it is described; its text says why.
	ErrPlan = errors.New("store: not a valid plan")
	// ErrNoPlan means that there is no plan of a name.
	ErrNoPlan = errors.New("store: there is no such plan")
	// ErrJurisdiction means that a jurisdiction cannot be as it is described; its text says why.
	ErrJurisdiction = errors.New("store: not a valid jurisdiction")
	// ErrNoJurisdiction means that there is no jurisdiction of a name.
	ErrNoJurisdiction = errors.New("store: there is no such jurisdiction")
	// ErrInUse means that tenants have what is to be removed; its text says which.
	ErrInUse = errors.New("store: it is in use")
	// ErrTable means that a tenant's plan or jurisdiction does not allow a table; its text says why.
	ErrTable = errors.New("this table is not allowed")
	// ErrTenant means that a new tenant's data cannot be right; its text says what.
	ErrTenant = errors.New("store: not a valid tenant")
	// ErrStaked means that a tenant's currency cannot be changed any more: money was moved in it.
	ErrStaked = errors.New("store: money was moved in the tenant's currency already")
)
