-- What pg_dump made of a database that commit f23aa80 (stage one) had filled: two casinos; of Casino X the table
-- "quick" with five settled rounds, the table "waits" with stakes of two players in its first round, a
-- promotion, a revoked token and a kicked player. Owners and rights are left out, as pg_dump's --no-owner and
-- --no-privileges do, and what ends (the promotion, the revocations) ends in 2126, so that it does not for the test.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA platform;
CREATE SCHEMA t_casino_x_zaiags;
CREATE SCHEMA t_lucky_star_f5gcka;
CREATE SCHEMA tpl;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE platform.domain (
    domain text NOT NULL,
    tenant text NOT NULL,
    is_primary boolean DEFAULT false NOT NULL
);
CREATE TABLE platform.instance (
    one boolean DEFAULT true NOT NULL,
    app_role text NOT NULL,
    master_check bytea,
    directory_version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT instance_one_check CHECK (one)
);
CREATE TABLE platform.migration (
    scope text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_scope_check CHECK ((scope = ANY (ARRAY['platform'::text, 'tenant'::text])))
);
CREATE TABLE platform.node (
    node text NOT NULL,
    incarnation uuid NOT NULL,
    expires timestamp with time zone NOT NULL,
    expired timestamp with time zone,
    draining boolean DEFAULT false NOT NULL,
    started timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE platform.revocation (
    tenant text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    before timestamp with time zone,
    expires timestamp with time zone NOT NULL,
    change bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT revocation_check CHECK (((before IS NULL) = (kind = 'token'::text))),
    CONSTRAINT revocation_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'player'::text])))
);
CREATE TABLE platform.room (
    tenant text NOT NULL,
    room text NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    node text DEFAULT ''::text NOT NULL,
    changed timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    change bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT room_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closing'::text, 'closed'::text])))
);
CREATE TABLE platform.tenant (
    id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    suspended_for text DEFAULT ''::text NOT NULL,
    on_trial boolean NOT NULL,
    paid_until timestamp with time zone,
    created_on timestamp with time zone DEFAULT now() NOT NULL,
    currency text NOT NULL,
    exponent smallint NOT NULL,
    frame_ancestors text[] DEFAULT '{}'::text[] NOT NULL,
    schema_version integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT tenant_exponent_check CHECK (((exponent >= 0) AND (exponent <= 8))),
    CONSTRAINT tenant_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);
CREATE TABLE platform.tenant_key (
    tenant text NOT NULL,
    kid text NOT NULL,
    alg text NOT NULL,
    secret bytea,
    public_pem text,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_key_check CHECK (((secret IS NULL) <> (public_pem IS NULL))),
    CONSTRAINT tenant_key_state_check CHECK ((state = ANY (ARRAY['active'::text, 'retired'::text])))
);
CREATE TABLE platform.ticket_used (
    nonce bytea NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE TABLE t_casino_x_zaiags._meta (
    one boolean DEFAULT true NOT NULL,
    version integer NOT NULL,
    CONSTRAINT _meta_one_check CHECK (one)
);
CREATE TABLE t_casino_x_zaiags.account (
    id bigint NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT account_funds CHECK (((kind <> 'player'::text) OR (balance >= 0))),
    CONSTRAINT account_kind_check CHECK ((kind = ANY (ARRAY['player'::text, 'till'::text, 'house'::text])))
)
WITH (fillfactor='70');
ALTER TABLE t_casino_x_zaiags.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_casino_x_zaiags.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE t_casino_x_zaiags.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    before json,
    after json,
    address text NOT NULL
);
ALTER TABLE t_casino_x_zaiags.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_casino_x_zaiags.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE t_casino_x_zaiags.command (
    player text NOT NULL,
    id uuid NOT NULL,
    room text NOT NULL,
    answer json NOT NULL
);
CREATE TABLE t_casino_x_zaiags.event (
    room text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    round bigint NOT NULL,
    data json
);
CREATE TABLE t_casino_x_zaiags.room (
    id text NOT NULL,
    game text NOT NULL,
    name text NOT NULL,
    settings json NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    node text DEFAULT ''::text NOT NULL,
    snapshot json,
    snapshot_seq bigint DEFAULT 0 NOT NULL,
    seed_commitment bytea,
    seed_sealed bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT room_check CHECK (((seed_commitment IS NULL) = (seed_sealed IS NULL))),
    CONSTRAINT room_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closing'::text, 'closed'::text])))
)
WITH (fillfactor='50');
CREATE TABLE t_casino_x_zaiags.transfer (
    id bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    kind text NOT NULL,
    ref text NOT NULL,
    room text,
    seq bigint,
    player text NOT NULL,
    command uuid,
    at timestamp with time zone NOT NULL,
    CONSTRAINT transfer_amount_check CHECK ((amount > 0)),
    CONSTRAINT transfer_check CHECK ((debit <> credit)),
    CONSTRAINT transfer_kind_check CHECK ((kind = ANY (ARRAY['stake'::text, 'payout'::text, 'refund'::text, 'credit'::text])))
);
ALTER TABLE t_casino_x_zaiags.transfer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_casino_x_zaiags.transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE t_lucky_star_f5gcka._meta (
    one boolean DEFAULT true NOT NULL,
    version integer NOT NULL,
    CONSTRAINT _meta_one_check CHECK (one)
);
CREATE TABLE t_lucky_star_f5gcka.account (
    id bigint NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT account_funds CHECK (((kind <> 'player'::text) OR (balance >= 0))),
    CONSTRAINT account_kind_check CHECK ((kind = ANY (ARRAY['player'::text, 'till'::text, 'house'::text])))
)
WITH (fillfactor='70');
ALTER TABLE t_lucky_star_f5gcka.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_lucky_star_f5gcka.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE t_lucky_star_f5gcka.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    before json,
    after json,
    address text NOT NULL
);
ALTER TABLE t_lucky_star_f5gcka.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_lucky_star_f5gcka.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE t_lucky_star_f5gcka.command (
    player text NOT NULL,
    id uuid NOT NULL,
    room text NOT NULL,
    answer json NOT NULL
);
CREATE TABLE t_lucky_star_f5gcka.event (
    room text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    round bigint NOT NULL,
    data json
);
CREATE TABLE t_lucky_star_f5gcka.room (
    id text NOT NULL,
    game text NOT NULL,
    name text NOT NULL,
    settings json NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    node text DEFAULT ''::text NOT NULL,
    snapshot json,
    snapshot_seq bigint DEFAULT 0 NOT NULL,
    seed_commitment bytea,
    seed_sealed bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT room_check CHECK (((seed_commitment IS NULL) = (seed_sealed IS NULL))),
    CONSTRAINT room_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closing'::text, 'closed'::text])))
)
WITH (fillfactor='50');
CREATE TABLE t_lucky_star_f5gcka.transfer (
    id bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    kind text NOT NULL,
    ref text NOT NULL,
    room text,
    seq bigint,
    player text NOT NULL,
    command uuid,
    at timestamp with time zone NOT NULL,
    CONSTRAINT transfer_amount_check CHECK ((amount > 0)),
    CONSTRAINT transfer_check CHECK ((debit <> credit)),
    CONSTRAINT transfer_kind_check CHECK ((kind = ANY (ARRAY['stake'::text, 'payout'::text, 'refund'::text, 'credit'::text])))
);
ALTER TABLE t_lucky_star_f5gcka.transfer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME t_lucky_star_f5gcka.transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tpl._meta (
    one boolean DEFAULT true NOT NULL,
    version integer NOT NULL,
    CONSTRAINT _meta_one_check CHECK (one)
);
CREATE TABLE tpl.account (
    id bigint NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT account_funds CHECK (((kind <> 'player'::text) OR (balance >= 0))),
    CONSTRAINT account_kind_check CHECK ((kind = ANY (ARRAY['player'::text, 'till'::text, 'house'::text])))
)
WITH (fillfactor='70');
ALTER TABLE tpl.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tpl.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tpl.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    before json,
    after json,
    address text NOT NULL
);
ALTER TABLE tpl.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tpl.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE tpl.command (
    player text NOT NULL,
    id uuid NOT NULL,
    room text NOT NULL,
    answer json NOT NULL
);
CREATE TABLE tpl.event (
    room text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    round bigint NOT NULL,
    data json
);
CREATE TABLE tpl.room (
    id text NOT NULL,
    game text NOT NULL,
    name text NOT NULL,
    settings json NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    node text DEFAULT ''::text NOT NULL,
    snapshot json,
    snapshot_seq bigint DEFAULT 0 NOT NULL,
    seed_commitment bytea,
    seed_sealed bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT room_check CHECK (((seed_commitment IS NULL) = (seed_sealed IS NULL))),
    CONSTRAINT room_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closing'::text, 'closed'::text])))
)
WITH (fillfactor='50');
CREATE TABLE tpl.transfer (
    id bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    kind text NOT NULL,
    ref text NOT NULL,
    room text,
    seq bigint,
    player text NOT NULL,
    command uuid,
    at timestamp with time zone NOT NULL,
    CONSTRAINT transfer_amount_check CHECK ((amount > 0)),
    CONSTRAINT transfer_check CHECK ((debit <> credit)),
    CONSTRAINT transfer_kind_check CHECK ((kind = ANY (ARRAY['stake'::text, 'payout'::text, 'refund'::text, 'credit'::text])))
);
ALTER TABLE tpl.transfer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tpl.transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COPY platform.domain (domain, tenant, is_primary) FROM stdin;
casino-x.localhost	t_casino_x_zaiags	t
lucky-star.localhost	t_lucky_star_f5gcka	t
\.
COPY platform.instance (one, app_role, master_check, directory_version) FROM stdin;
t	pitboss_app	\\x01b923e5fe76393ad0c3e77264b1e71eff24404d74891391e6377090504a8a22e10c3b1eab765286	2
\.
COPY platform.migration (scope, version, name, applied_at) FROM stdin;
platform	1	init	2026-11-27 05:52:25.68452+00
platform	2	nodes	2026-11-27 05:52:25.68452+00
platform	3	access	2026-11-27 05:52:25.68452+00
tenant	1	init	2026-11-27 05:52:25.68452+00
\.
COPY platform.node (node, incarnation, expires, expired, draining, started) FROM stdin;
dev	93621876-a624-4c5d-89b7-49327f40125a	2026-11-27 05:54:00.711947+00	2026-11-27 05:54:00.272167+00	f	2026-11-27 05:53:57.116436+00
\.
COPY platform.revocation (tenant, kind, subject, before, expires, change) FROM stdin;
t_casino_x_zaiags	token	stage-one-jti	\N	2126-12-27 05:53:28.093427+00	926
t_casino_x_zaiags	player	mallory	2126-12-26 05:53:18.099828+00	2126-12-27 05:53:28.099828+00	927
\.
COPY platform.room (tenant, room, state, reason, node, changed, epoch, change) FROM stdin;
t_casino_x_zaiags	roulette-1	open		dev	2026-11-27 05:53:57.477168+00	2	1016
t_casino_x_zaiags	roulette-3	open		dev	2026-11-27 05:53:57.478142+00	2	1017
t_casino_x_zaiags	roulette-2	open		dev	2026-11-27 05:53:57.478471+00	2	1018
t_casino_x_zaiags	lobby	open		dev	2026-11-27 05:53:57.478698+00	2	1019
t_casino_x_zaiags	waits	open		dev	2026-11-27 05:53:57.478776+00	2	1020
t_lucky_star_f5gcka	roulette-1	open		dev	2026-11-27 05:53:57.47963+00	2	1021
t_casino_x_zaiags	quick	open		dev	2026-11-27 05:53:57.479879+00	2	1022
t_lucky_star_f5gcka	roulette-2	open		dev	2026-11-27 05:53:57.504324+00	2	1024
t_lucky_star_f5gcka	lobby	open		dev	2026-11-27 05:53:57.532904+00	2	1025
\.
COPY platform.tenant (id, slug, name, status, suspended_for, on_trial, paid_until, created_on, currency, exponent, frame_ancestors, schema_version, version) FROM stdin;
t_casino_x_zaiags	casino-x	Casino X	active		t	\N	2026-11-27 05:52:27.098+00	EUR	2	{}	1	1
t_lucky_star_f5gcka	lucky-star	Lucky Star	active		t	\N	2026-11-27 05:52:27.602+00	EUR	2	{}	1	2
\.
COPY platform.tenant_key (tenant, kid, alg, secret, public_pem, state, created_at) FROM stdin;
t_casino_x_zaiags	3f4c0f7010ff8380	HS256	\\x01b923e5fec015100779d3090752d020a8db36fdaf91c0b8bc073a08557801d8a26247460a7701e9a2e50e173f35ab740a95736514090c2e15df46bd97550a1aaa	\N	active	2026-11-27 05:52:27.096144+00
t_lucky_star_f5gcka	80a5fa421f557a70	HS256	\\x01b923e5fe58b2846c717cdce789edd7e526e6a38b1af8e00f49058e264f2af520b2abaa4677ab63bb3a703b01606769f7569bf6a026d18b66864764d955ba4f34	\N	active	2026-11-27 05:52:27.602307+00
\.
COPY platform.ticket_used (nonce, expires) FROM stdin;
\.
COPY t_casino_x_zaiags._meta (one, version) FROM stdin;
t	1
\.
COPY t_casino_x_zaiags.account (id, kind, owner, balance, version, created_at) FROM stdin;
2	till	roulette-1	0	0	2026-11-27 05:52:27.559054+00
3	till	roulette-2	0	0	2026-11-27 05:52:27.567838+00
4	till	roulette-3	0	0	2026-11-27 05:52:27.582373+00
1	house	house	-200000	2	2026-11-27 05:52:27.096144+00
8	till	quick	1000	7	2026-11-27 05:53:14.723914+00
5	player	alice	98000	9	2026-11-27 05:52:27.583873+00
6	player	bob	99300	2	2026-11-27 05:52:27.596023+00
7	till	waits	1700	2	2026-11-27 05:53:14.654184+00
\.
COPY t_casino_x_zaiags.audit_log (id, at, actor, action, target, reason, before, after, address) FROM stdin;
1	2026-11-27 05:52:27.419814+00	cli	tenant.create	t_casino_x_zaiags		\N	\N	
2	2026-11-27 05:52:27.560099+00	dev	room.open	roulette-1		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	
3	2026-11-27 05:52:27.568095+00	dev	room.open	roulette-2		\N	{"min_bet":1000,"max_bet":500000,"round_min":1000,"round_max":2000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":true}	
4	2026-11-27 05:52:27.582649+00	dev	room.open	roulette-3		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":7000,"close_ms":1000,"spin_ms":4000,"pause_ms":2500,"la_partage":false}	
5	2026-11-27 05:52:27.58722+00	dev	player.credit	alice	demo funds	{"balance":0}	{"amount":100000,"balance":100000}	
6	2026-11-27 05:52:27.596884+00	dev	player.credit	bob	demo funds	{"balance":0}	{"amount":100000,"balance":100000}	
7	2026-11-27 05:53:14.655068+00	operator:olivia	room.open	waits		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":600000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	127.0.0.1
8	2026-11-27 05:53:14.725765+00	operator:olivia	room.open	quick		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":300,"close_ms":1,"spin_ms":1,"pause_ms":1,"la_partage":false}	127.0.0.1
9	2026-11-27 05:53:18.093716+00	operator:olivia	token.revoke	stage-one-jti	lost phone	\N	\N	127.0.0.1
10	2026-11-27 05:53:18.09994+00	operator:olivia	player.kick	mallory	cheated	\N	\N	127.0.0.1
11	2026-11-27 05:53:58.629054+00	operator:olivia	promotion.publish	33333333-2222-4222-8222-222222222222		\N	{"id":"33333333-2222-4222-8222-222222222222","title":"From stage one","text":"Still here after the upgrade.","ends_at":"2126-11-20T00:00:00Z"}	127.0.0.1
\.
COPY t_casino_x_zaiags.command (player, id, room, answer) FROM stdin;
alice	dccb97e7-883e-49bd-a68c-5734fb15c72d	quick	{"epoch":1,"seq":3,"balance":99400,"balance_version":2}
alice	5f8842bd-83a9-488c-8eae-9ea6d60bb7ee	quick	{"epoch":1,"seq":9,"balance":98800,"balance_version":3}
alice	054dffcd-bee9-44dd-b6a9-5c0cb31da3bb	quick	{"epoch":1,"seq":15,"balance":99200,"balance_version":5}
alice	aaf7412c-4308-46cd-8ed2-023462b4696c	quick	{"epoch":1,"seq":21,"balance":99600,"balance_version":7}
alice	55f6b313-427a-454f-9d6c-991f8e20e90c	quick	{"epoch":1,"seq":27,"balance":99000,"balance_version":8}
alice	11111111-1111-4111-8111-111111111111	waits	{"epoch":1,"seq":3,"balance":98000,"balance_version":9}
bob	201b2d8a-7052-41d0-8a4d-49dffaf34ffe	waits	{"epoch":1,"seq":4,"balance":99300,"balance_version":2}
operator:olivia	22222222-2222-4222-8222-222222222222	lobby	{"epoch":1,"seq":0,"refusal":{"code":"invalid_command","message":"The end is in the future, and at most a year away."},"balance":0,"balance_version":0}
operator:olivia	33333333-2222-4222-8222-222222222222	lobby	{"epoch":2,"seq":1,"balance":0,"balance_version":0}
\.
COPY t_casino_x_zaiags.event (room, seq, epoch, at, type, round, data) FROM stdin;
roulette-3	1	1	2026-11-27 05:52:29.203+00	round.opened	1	{"round":1,"commitment":"4847d83b06df9b181880b17761e27aaa06ea786d4e79526b1abf5f176b16963e"}
roulette-1	1	1	2026-11-27 05:52:29.21+00	round.opened	1	{"round":1,"commitment":"c2df724185f4452dd8fb0bb14051ba5c04963ac95d4a33bcdafab6473eda53ab"}
roulette-2	1	1	2026-11-27 05:52:29.226+00	round.opened	1	{"round":1,"commitment":"b1649b32d88098b5b50e07f865b4f62faba9b84818674446352f8fdd0f6f453c"}
waits	1	1	2026-11-27 05:53:14.681+00	round.opened	1	{"round":1,"commitment":"0ece0ff2251f26e9d72b79accb06860b9f0bcc7b25535a91c53c3476eea2dd45"}
quick	1	1	2026-11-27 05:53:14.728+00	round.opened	1	{"round":1,"commitment":"f6756e808311d5463e8f68f383be8b9774d3b2f7908dbaaf7d7e258738f6ca7c"}
quick	2	1	2026-11-27 05:53:16.24+00	betting.started	1	{"round":1,"closes_at":"2026-11-27T05:53:16.540Z"}
quick	3	1	2026-11-27 05:53:16.24+00	bet.placed	1	{"round":1,"seat":1,"name":"al***","bets":[{"position":"straight:7","amount":100},{"position":"red","amount":500}],"player":"alice"}
quick	4	1	2026-11-27 05:53:16.543+00	betting.closed	1	{"round":1,"spins_at":"2026-11-27T05:53:16.544Z"}
quick	5	1	2026-11-27 05:53:16.545+00	wheel.spun	1	{"round":1,"pocket":0,"colour":"green","seed":"3ba9c4e2748bf0f275172d96cecc469f89eafe5fd8668f0915e3b5b24d7d789b","commitment":"f6756e808311d5463e8f68f383be8b9774d3b2f7908dbaaf7d7e258738f6ca7c","settles_at":"2026-11-27T05:53:16.546Z"}
quick	6	1	2026-11-27 05:53:16.546+00	round.settled	1	{"round":1,"pocket":0,"staked":600,"paid":0,"next_at":"2026-11-27T05:53:16.547Z","players":[{"player":"alice","seat":1,"name":"al***","staked":600,"payout":0,"bets":[{"position":"straight:7","amount":100,"payout":0},{"position":"red","amount":500,"payout":0}]}]}
quick	7	1	2026-11-27 05:53:16.548+00	round.opened	2	{"round":2,"commitment":"8fdf7f9e8d7a707549b09894cba1ad2476fd9b02660ff3143ddec56cc9aef1f3"}
quick	8	1	2026-11-27 05:53:16.601+00	betting.started	2	{"round":2,"closes_at":"2026-11-27T05:53:16.901Z"}
quick	9	1	2026-11-27 05:53:16.601+00	bet.placed	2	{"round":2,"seat":1,"name":"al***","bets":[{"position":"straight:7","amount":100},{"position":"red","amount":500}],"player":"alice"}
quick	10	1	2026-11-27 05:53:16.902+00	betting.closed	2	{"round":2,"spins_at":"2026-11-27T05:53:16.903Z"}
quick	11	1	2026-11-27 05:53:16.92+00	wheel.spun	2	{"round":2,"pocket":16,"colour":"red","seed":"04ecfdd84d0bebe2a363c02d1b7bb306384630ec9266276c8e30701b7ea475b4","commitment":"8fdf7f9e8d7a707549b09894cba1ad2476fd9b02660ff3143ddec56cc9aef1f3","settles_at":"2026-11-27T05:53:16.921Z"}
quick	12	1	2026-11-27 05:53:16.926+00	round.settled	2	{"round":2,"pocket":16,"staked":600,"paid":1000,"next_at":"2026-11-27T05:53:16.927Z","players":[{"player":"alice","seat":1,"name":"al***","staked":600,"payout":1000,"bets":[{"position":"straight:7","amount":100,"payout":0},{"position":"red","amount":500,"payout":1000}]}]}
quick	13	1	2026-11-27 05:53:16.931+00	round.opened	3	{"round":3,"commitment":"028adc410201635ae4108eb0689e986cbef4777c5b3797f4410f9cf1edd92e63"}
quick	14	1	2026-11-27 05:53:16.963+00	betting.started	3	{"round":3,"closes_at":"2026-11-27T05:53:17.263Z"}
quick	15	1	2026-11-27 05:53:16.963+00	bet.placed	3	{"round":3,"seat":1,"name":"al***","bets":[{"position":"straight:7","amount":100},{"position":"red","amount":500}],"player":"alice"}
quick	16	1	2026-11-27 05:53:17.264+00	betting.closed	3	{"round":3,"spins_at":"2026-11-27T05:53:17.265Z"}
quick	17	1	2026-11-27 05:53:17.279+00	wheel.spun	3	{"round":3,"pocket":30,"colour":"red","seed":"0d632c62485d2ae69493ae38848a18897a942db6277cd1314659e72aaaa53f0b","commitment":"028adc410201635ae4108eb0689e986cbef4777c5b3797f4410f9cf1edd92e63","settles_at":"2026-11-27T05:53:17.280Z"}
quick	18	1	2026-11-27 05:53:17.292+00	round.settled	3	{"round":3,"pocket":30,"staked":600,"paid":1000,"next_at":"2026-11-27T05:53:17.293Z","players":[{"player":"alice","seat":1,"name":"al***","staked":600,"payout":1000,"bets":[{"position":"straight:7","amount":100,"payout":0},{"position":"red","amount":500,"payout":1000}]}]}
quick	19	1	2026-11-27 05:53:17.304+00	round.opened	4	{"round":4,"commitment":"01558ebf9045236c22653f164a404faf133b61adea50a68005304fb9990aae29"}
quick	20	1	2026-11-27 05:53:17.336+00	betting.started	4	{"round":4,"closes_at":"2026-11-27T05:53:17.636Z"}
quick	21	1	2026-11-27 05:53:17.336+00	bet.placed	4	{"round":4,"seat":1,"name":"al***","bets":[{"position":"straight:7","amount":100},{"position":"red","amount":500}],"player":"alice"}
quick	22	1	2026-11-27 05:53:17.636+00	betting.closed	4	{"round":4,"spins_at":"2026-11-27T05:53:17.637Z"}
quick	23	1	2026-11-27 05:53:17.647+00	wheel.spun	4	{"round":4,"pocket":8,"colour":"black","seed":"547a39070172ffc7a5c38342e60858d8edfbe66c2b71b495c2a4f8c658c42164","commitment":"01558ebf9045236c22653f164a404faf133b61adea50a68005304fb9990aae29","settles_at":"2026-11-27T05:53:17.648Z"}
quick	24	1	2026-11-27 05:53:17.652+00	round.settled	4	{"round":4,"pocket":8,"staked":600,"paid":0,"next_at":"2026-11-27T05:53:17.653Z","players":[{"player":"alice","seat":1,"name":"al***","staked":600,"payout":0,"bets":[{"position":"straight:7","amount":100,"payout":0},{"position":"red","amount":500,"payout":0}]}]}
quick	25	1	2026-11-27 05:53:17.675+00	round.opened	5	{"round":5,"commitment":"3e46412cfcf5d3cc67bd8621cafb857096856f23f573ec7e5b9b1cd638628ff0"}
quick	26	1	2026-11-27 05:53:17.69+00	betting.started	5	{"round":5,"closes_at":"2026-11-27T05:53:17.990Z"}
quick	27	1	2026-11-27 05:53:17.69+00	bet.placed	5	{"round":5,"seat":1,"name":"al***","bets":[{"position":"straight:7","amount":100},{"position":"red","amount":500}],"player":"alice"}
quick	28	1	2026-11-27 05:53:17.999+00	betting.closed	5	{"round":5,"spins_at":"2026-11-27T05:53:18.000Z"}
quick	29	1	2026-11-27 05:53:18.022+00	wheel.spun	5	{"round":5,"pocket":2,"colour":"black","seed":"c50387db202ead0947d97e7dee6abcc2b919f705995a5943eae50cc5abfe4367","commitment":"3e46412cfcf5d3cc67bd8621cafb857096856f23f573ec7e5b9b1cd638628ff0","settles_at":"2026-11-27T05:53:18.023Z"}
quick	30	1	2026-11-27 05:53:18.023+00	round.settled	5	{"round":5,"pocket":2,"staked":600,"paid":0,"next_at":"2026-11-27T05:53:18.024Z","players":[{"player":"alice","seat":1,"name":"al***","staked":600,"payout":0,"bets":[{"position":"straight:7","amount":100,"payout":0},{"position":"red","amount":500,"payout":0}]}]}
quick	31	1	2026-11-27 05:53:18.027+00	round.opened	6	{"round":6,"commitment":"41df11622e9e9d01388e7b2df15de4c380b1deb5c715280d4ee7d01842243b4a"}
waits	2	1	2026-11-27 05:53:18.067+00	betting.started	1	{"round":1,"closes_at":"2026-11-27T06:03:18.067Z"}
waits	3	1	2026-11-27 05:53:18.067+00	bet.placed	1	{"round":1,"seat":1,"name":"al***","bets":[{"position":"red","amount":1000}],"player":"alice"}
waits	4	1	2026-11-27 05:53:18.08+00	bet.placed	1	{"round":1,"seat":2,"name":"b***","bets":[{"position":"black","amount":700}],"player":"bob"}
lobby	1	2	2026-11-27 05:53:58.622+00	promotion.published	0	{"id":"33333333-2222-4222-8222-222222222222","title":"From stage one","text":"Still here after the upgrade.","published_at":"2026-11-27T05:53:58.622Z","ends_at":"2126-11-20T00:00:00Z","by":"operator:olivia"}
\.
COPY t_casino_x_zaiags.room (id, game, name, settings, status, epoch, seq, node, snapshot, snapshot_seq, seed_commitment, seed_sealed, created_at) FROM stdin;
roulette-1	roulette	Grand Roulette	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	open	2	1	dev	\N	0	\\xc2df724185f4452dd8fb0bb14051ba5c04963ac95d4a33bcdafab6473eda53ab	\\x01b923e5fe78fa944e76f152d81264388a3d4e06c4e8d21a26fdf407234e3bf0da6ff37bcf5384c205f36eca9526a353b67edda11592b2ca23b91163bb1d0401cd	2026-11-27 05:52:27.559054+00
roulette-3	roulette	Speed Roulette	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":7000,"close_ms":1000,"spin_ms":4000,"pause_ms":2500,"la_partage":false}	open	2	1	dev	\N	0	\\x4847d83b06df9b181880b17761e27aaa06ea786d4e79526b1abf5f176b16963e	\\x01b923e5febbb3d33bd868c1bc5c2d5345f988a102a82eb4238d1c741047072de30d258f25e516a6e80075782f8e3ecbffd6759a3312cb734e9db08e363877686d	2026-11-27 05:52:27.582373+00
roulette-2	roulette	La Partage, high limits	{"min_bet":1000,"max_bet":500000,"round_min":1000,"round_max":2000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":true}	open	2	1	dev	\N	0	\\xb1649b32d88098b5b50e07f865b4f62faba9b84818674446352f8fdd0f6f453c	\\x01b923e5fe605e01d71e8dddaaff7f6ff60732c6098dd2e74f31cab9b6ccbebb258f7b73332da348feae9a52cb5403d77f09282310dfc1442abb2631995fbc88df	2026-11-27 05:52:27.567838+00
waits	roulette	Waits	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":600000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	open	2	4	dev	\N	0	\\x0ece0ff2251f26e9d72b79accb06860b9f0bcc7b25535a91c53c3476eea2dd45	\\x01b923e5feac4215e8d562e15c22e7527138651279f666b3550cdba7d50807fed257eb26cfa51b980bb080d16b8a9077605fd75238e4c6746177a06800fff93623	2026-11-27 05:53:14.654184+00
lobby	lobby	Lobby	{}	open	2	1	dev	\N	0	\N	\N	2026-11-27 05:52:27.096144+00
quick	roulette	Quick	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":300,"close_ms":1,"spin_ms":1,"pause_ms":1,"la_partage":false}	open	2	31	dev	\N	0	\\x41df11622e9e9d01388e7b2df15de4c380b1deb5c715280d4ee7d01842243b4a	\\x01b923e5fee66a99e328fbf2bc33c3e8c023d6be1af05e3e1bb7f635fc72cc30b80d65392b7569f83b19a62d15e44bcf4b1c2ff819b9d85d711271d10565a3922f	2026-11-27 05:53:14.723914+00
\.
COPY t_casino_x_zaiags.transfer (id, debit, credit, amount, kind, ref, room, seq, player, command, at) FROM stdin;
1	1	5	100000	credit	demo funds	\N	\N	alice	dfd10d7d-739f-5b5d-a188-77378d783b3a	2026-11-27 05:52:27.586783+00
2	1	6	100000	credit	demo funds	\N	\N	bob	fb75e6e4-cffe-5e67-844c-0e7ffa62ba79	2026-11-27 05:52:27.596625+00
3	5	8	600	stake	round 1	quick	3	alice	dccb97e7-883e-49bd-a68c-5734fb15c72d	2026-11-27 05:53:16.24+00
4	5	8	600	stake	round 2	quick	9	alice	5f8842bd-83a9-488c-8eae-9ea6d60bb7ee	2026-11-27 05:53:16.601+00
5	8	5	1000	payout	round 2	quick	12	alice	\N	2026-11-27 05:53:16.926+00
6	5	8	600	stake	round 3	quick	15	alice	054dffcd-bee9-44dd-b6a9-5c0cb31da3bb	2026-11-27 05:53:16.963+00
7	8	5	1000	payout	round 3	quick	18	alice	\N	2026-11-27 05:53:17.292+00
8	5	8	600	stake	round 4	quick	21	alice	aaf7412c-4308-46cd-8ed2-023462b4696c	2026-11-27 05:53:17.336+00
9	5	8	600	stake	round 5	quick	27	alice	55f6b313-427a-454f-9d6c-991f8e20e90c	2026-11-27 05:53:17.69+00
10	5	7	1000	stake	round 1	waits	3	alice	11111111-1111-4111-8111-111111111111	2026-11-27 05:53:18.067+00
11	6	7	700	stake	round 1	waits	4	bob	201b2d8a-7052-41d0-8a4d-49dffaf34ffe	2026-11-27 05:53:18.08+00
\.
COPY t_lucky_star_f5gcka._meta (one, version) FROM stdin;
t	1
\.
COPY t_lucky_star_f5gcka.account (id, kind, owner, balance, version, created_at) FROM stdin;
2	till	roulette-1	0	0	2026-11-27 05:52:27.99326+00
3	till	roulette-2	0	0	2026-11-27 05:52:28.007054+00
4	player	carol	100000	1	2026-11-27 05:52:28.018031+00
5	player	dave	100000	1	2026-11-27 05:52:28.030863+00
1	house	house	-200000	2	2026-11-27 05:52:27.602307+00
\.
COPY t_lucky_star_f5gcka.audit_log (id, at, actor, action, target, reason, before, after, address) FROM stdin;
1	2026-11-27 05:52:27.900349+00	cli	tenant.create	t_lucky_star_f5gcka		\N	\N	
2	2026-11-27 05:52:27.994515+00	dev	room.open	roulette-1		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	
3	2026-11-27 05:52:28.00739+00	dev	room.open	roulette-2		\N	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":7000,"close_ms":1000,"spin_ms":4000,"pause_ms":2500,"la_partage":false}	
4	2026-11-27 05:52:28.019285+00	dev	player.credit	carol	demo funds	{"balance":0}	{"amount":100000,"balance":100000}	
5	2026-11-27 05:52:28.031544+00	dev	player.credit	dave	demo funds	{"balance":0}	{"amount":100000,"balance":100000}	
\.
COPY t_lucky_star_f5gcka.command (player, id, room, answer) FROM stdin;
\.
COPY t_lucky_star_f5gcka.event (room, seq, epoch, at, type, round, data) FROM stdin;
roulette-2	1	1	2026-11-27 05:52:29.21+00	round.opened	1	{"round":1,"commitment":"8260d6cd4b0a7ac03b845dba2a2013c07fa5f00a6b26363fc3def351fe142070"}
roulette-1	1	1	2026-11-27 05:52:29.22+00	round.opened	1	{"round":1,"commitment":"ec5cfac8ccc60d77299056b60ec54a2b8a7b6a0a85cea3bf93a3b459bc955e57"}
\.
COPY t_lucky_star_f5gcka.room (id, game, name, settings, status, epoch, seq, node, snapshot, snapshot_seq, seed_commitment, seed_sealed, created_at) FROM stdin;
roulette-1	roulette	Star Roulette	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":15000,"close_ms":1000,"spin_ms":6000,"pause_ms":4000,"la_partage":false}	open	2	1	dev	\N	0	\\xec5cfac8ccc60d77299056b60ec54a2b8a7b6a0a85cea3bf93a3b459bc955e57	\\x01b923e5fee527e15e1d4ea804368ba858e2d25c26f7889778bfdc9bc2f7ff2769afca77c4b04f60deef1fdeea14d3dcb014dd0f391ca52c94f681b6db1d8e6483	2026-11-27 05:52:27.99326+00
lobby	lobby	Lobby	{}	open	2	0	dev	\N	0	\N	\N	2026-11-27 05:52:27.602307+00
roulette-2	roulette	Speed Star	{"min_bet":100,"max_bet":100000,"round_min":100,"round_max":1000000,"betting_ms":7000,"close_ms":1000,"spin_ms":4000,"pause_ms":2500,"la_partage":false}	open	2	1	dev	\N	0	\\x8260d6cd4b0a7ac03b845dba2a2013c07fa5f00a6b26363fc3def351fe142070	\\x01b923e5feb85861b67fad94196e7381fc20b0726c407ef9c136061f898a9520c68b32840999a79c0efd3c8ff26724ac300bb17d326ade02dbaaf9705f18bda8f2	2026-11-27 05:52:28.007054+00
\.
COPY t_lucky_star_f5gcka.transfer (id, debit, credit, amount, kind, ref, room, seq, player, command, at) FROM stdin;
1	1	4	100000	credit	demo funds	\N	\N	carol	85cef05e-9677-5127-b0d3-5b52c635b289	2026-11-27 05:52:28.019005+00
2	1	5	100000	credit	demo funds	\N	\N	dave	b087a318-f062-5c74-b514-efc3d8067f79	2026-11-27 05:52:28.031421+00
\.
COPY tpl._meta (one, version) FROM stdin;
t	1
\.
COPY tpl.account (id, kind, owner, balance, version, created_at) FROM stdin;
1	house	house	0	0	2026-11-27 05:52:25.68452+00
\.
COPY tpl.audit_log (id, at, actor, action, target, reason, before, after, address) FROM stdin;
\.
COPY tpl.command (player, id, room, answer) FROM stdin;
\.
COPY tpl.event (room, seq, epoch, at, type, round, data) FROM stdin;
\.
COPY tpl.room (id, game, name, settings, status, epoch, seq, node, snapshot, snapshot_seq, seed_commitment, seed_sealed, created_at) FROM stdin;
\.
COPY tpl.transfer (id, debit, credit, amount, kind, ref, room, seq, player, command, at) FROM stdin;
\.
SELECT pg_catalog.setval('t_casino_x_zaiags.account_id_seq', 10, true);
SELECT pg_catalog.setval('t_casino_x_zaiags.audit_log_id_seq', 11, true);
SELECT pg_catalog.setval('t_casino_x_zaiags.transfer_id_seq', 11, true);
SELECT pg_catalog.setval('t_lucky_star_f5gcka.account_id_seq', 7, true);
SELECT pg_catalog.setval('t_lucky_star_f5gcka.audit_log_id_seq', 5, true);
SELECT pg_catalog.setval('t_lucky_star_f5gcka.transfer_id_seq', 2, true);
SELECT pg_catalog.setval('tpl.account_id_seq', 1, true);
SELECT pg_catalog.setval('tpl.audit_log_id_seq', 1, false);
SELECT pg_catalog.setval('tpl.transfer_id_seq', 1, false);
ALTER TABLE ONLY platform.domain
    ADD CONSTRAINT domain_name PRIMARY KEY (domain);
ALTER TABLE ONLY platform.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (one);
ALTER TABLE ONLY platform.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (scope, version);
ALTER TABLE ONLY platform.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (node);
ALTER TABLE ONLY platform.revocation
    ADD CONSTRAINT revocation_pkey PRIMARY KEY (tenant, kind, subject);
ALTER TABLE ONLY platform.room
    ADD CONSTRAINT room_pkey PRIMARY KEY (tenant, room);
ALTER TABLE ONLY platform.tenant_key
    ADD CONSTRAINT tenant_key_pkey PRIMARY KEY (tenant, kid);
ALTER TABLE ONLY platform.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY platform.tenant
    ADD CONSTRAINT tenant_slug UNIQUE (slug);
ALTER TABLE ONLY platform.ticket_used
    ADD CONSTRAINT ticket_used_pkey PRIMARY KEY (nonce);
ALTER TABLE ONLY t_casino_x_zaiags._meta
    ADD CONSTRAINT _meta_pkey PRIMARY KEY (one);
ALTER TABLE ONLY t_casino_x_zaiags.account
    ADD CONSTRAINT account_owner UNIQUE (kind, owner);
ALTER TABLE ONLY t_casino_x_zaiags.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_casino_x_zaiags.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_casino_x_zaiags.command
    ADD CONSTRAINT command_once PRIMARY KEY (player, id);
ALTER TABLE ONLY t_casino_x_zaiags.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (room, seq);
ALTER TABLE ONLY t_casino_x_zaiags.room
    ADD CONSTRAINT room_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_casino_x_zaiags.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_lucky_star_f5gcka._meta
    ADD CONSTRAINT _meta_pkey PRIMARY KEY (one);
ALTER TABLE ONLY t_lucky_star_f5gcka.account
    ADD CONSTRAINT account_owner UNIQUE (kind, owner);
ALTER TABLE ONLY t_lucky_star_f5gcka.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_lucky_star_f5gcka.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_lucky_star_f5gcka.command
    ADD CONSTRAINT command_once PRIMARY KEY (player, id);
ALTER TABLE ONLY t_lucky_star_f5gcka.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (room, seq);
ALTER TABLE ONLY t_lucky_star_f5gcka.room
    ADD CONSTRAINT room_pkey PRIMARY KEY (id);
ALTER TABLE ONLY t_lucky_star_f5gcka.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tpl._meta
    ADD CONSTRAINT _meta_pkey PRIMARY KEY (one);
ALTER TABLE ONLY tpl.account
    ADD CONSTRAINT account_owner UNIQUE (kind, owner);
ALTER TABLE ONLY tpl.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tpl.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tpl.command
    ADD CONSTRAINT command_once PRIMARY KEY (player, id);
ALTER TABLE ONLY tpl.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (room, seq);
ALTER TABLE ONLY tpl.room
    ADD CONSTRAINT room_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tpl.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX domain_one_primary ON platform.domain USING btree (tenant) WHERE is_primary;
CREATE INDEX domain_tenant ON platform.domain USING btree (tenant);
CREATE INDEX revocation_change ON platform.revocation USING btree (change);
CREATE INDEX revocation_expires ON platform.revocation USING btree (expires);
CREATE INDEX room_change ON platform.room USING btree (change);
CREATE INDEX room_live ON platform.room USING btree (tenant, room) WHERE (state <> 'closed'::text);
CREATE INDEX ticket_used_expires ON platform.ticket_used USING btree (expires);
CREATE INDEX event_round ON t_casino_x_zaiags.event USING btree (room, round) WHERE (round > 0);
CREATE UNIQUE INDEX transfer_credit_once ON t_casino_x_zaiags.transfer USING btree (command) WHERE (kind = 'credit'::text);
CREATE INDEX event_round ON t_lucky_star_f5gcka.event USING btree (room, round) WHERE (round > 0);
CREATE UNIQUE INDEX transfer_credit_once ON t_lucky_star_f5gcka.transfer USING btree (command) WHERE (kind = 'credit'::text);
CREATE INDEX event_round ON tpl.event USING btree (room, round) WHERE (round > 0);
CREATE UNIQUE INDEX transfer_credit_once ON tpl.transfer USING btree (command) WHERE (kind = 'credit'::text);
ALTER TABLE ONLY platform.domain
    ADD CONSTRAINT domain_tenant_fkey FOREIGN KEY (tenant) REFERENCES platform.tenant(id);
ALTER TABLE ONLY platform.revocation
    ADD CONSTRAINT revocation_tenant_fkey FOREIGN KEY (tenant) REFERENCES platform.tenant(id);
ALTER TABLE ONLY platform.room
    ADD CONSTRAINT room_tenant_fkey FOREIGN KEY (tenant) REFERENCES platform.tenant(id);
ALTER TABLE ONLY platform.tenant_key
    ADD CONSTRAINT tenant_key_tenant_fkey FOREIGN KEY (tenant) REFERENCES platform.tenant(id);
