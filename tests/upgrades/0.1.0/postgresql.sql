--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

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

--
-- Name: evidence_refuse(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.evidence_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'Records are evidence: what is final is not changed, and deleted only by pruning.';
END $$;


--
-- Name: evidence_unless_pruned(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.evidence_unless_pruned() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM authz_app_auditseal WHERE number = OLD.seal AND pruned <> '') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Records are evidence: what is final is not changed, and deleted only by pruning.';
END $$;


--
-- Name: policy_history_refuse(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_history_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'The policy history is only added to: no row of it is changed or deleted.';
END $$;


--
-- Name: policy_version_authz_app_client(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_authz_app_client() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('all', 0);
        PERFORM policy_version_edit();
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM authz_app_policyrevision r WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM authz_app_policyrevision x WHERE x.part = 'client' AND NOT EXISTS (SELECT 1 FROM authz_app_client t WHERE t.id = x.part_id) GROUP BY x.part_id);
    ELSIF TG_OP = 'INSERT' THEN
        
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'client', NEW.id, 'client', NEW.id, NEW.id, NULL, json_build_object('id', NEW.id, 'name', NEW.name, 'issuer', NEW.issuer, 'subject', NEW.subject, 'kind', NEW.kind, 'status', NEW.status, 'notes', NEW.notes)::text;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('client', OLD.id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'client', OLD.id, 'client', OLD.id, OLD.id, json_build_object('id', OLD.id, 'name', OLD.name, 'issuer', OLD.issuer, 'subject', OLD.subject, 'kind', OLD.kind, 'status', OLD.status, 'notes', OLD.notes)::text, NULL;
    ELSIF OLD.id IS DISTINCT FROM NEW.id OR OLD.name IS DISTINCT FROM NEW.name OR OLD.issuer IS DISTINCT FROM NEW.issuer OR OLD.subject IS DISTINCT FROM NEW.subject OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.status IS DISTINCT FROM NEW.status OR OLD.notes IS DISTINCT FROM NEW.notes THEN
        IF OLD.id IS DISTINCT FROM NEW.id OR OLD.name IS DISTINCT FROM NEW.name OR OLD.issuer IS DISTINCT FROM NEW.issuer OR OLD.subject IS DISTINCT FROM NEW.subject OR OLD.status IS DISTINCT FROM NEW.status THEN
            INSERT INTO authz_app_policychange (entity, row_id) VALUES ('client', OLD.id);
            IF OLD.id <> NEW.id THEN
                INSERT INTO authz_app_policychange (entity, row_id) VALUES ('client', NEW.id);
            END IF;
        END IF;
        IF OLD.id = NEW.id AND OLD.id = NEW.id THEN
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'client', NEW.id, 'client', NEW.id, NEW.id, json_build_object('id', OLD.id, 'name', OLD.name, 'issuer', OLD.issuer, 'subject', OLD.subject, 'kind', OLD.kind, 'status', OLD.status, 'notes', OLD.notes)::text, json_build_object('id', NEW.id, 'name', NEW.name, 'issuer', NEW.issuer, 'subject', NEW.subject, 'kind', NEW.kind, 'status', NEW.status, 'notes', NEW.notes)::text;
        ELSE
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'client', OLD.id, 'client', OLD.id, OLD.id, json_build_object('id', OLD.id, 'name', OLD.name, 'issuer', OLD.issuer, 'subject', OLD.subject, 'kind', OLD.kind, 'status', OLD.status, 'notes', OLD.notes)::text, NULL;
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'client', NEW.id, 'client', NEW.id, NEW.id, NULL, json_build_object('id', NEW.id, 'name', NEW.name, 'issuer', NEW.issuer, 'subject', NEW.subject, 'kind', NEW.kind, 'status', NEW.status, 'notes', NEW.notes)::text;
        END IF;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: policy_version_authz_app_rule(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_authz_app_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('all', 0);
        PERFORM policy_version_edit();
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM authz_app_policyrevision r WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM authz_app_policyrevision x WHERE x.part = 'rule' AND NOT EXISTS (SELECT 1 FROM authz_app_rule t WHERE t.id = x.part_id) GROUP BY x.part_id);
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', NEW.id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.id, 'rule', NEW.id, NULL::bigint, NULL, json_build_object('id', NEW.id, 'effect', NEW.effect, 'applies_to', NEW.applies_to, 'token_scopes', NEW.token_scopes, 'kind', NEW.kind, 'tools', NEW.tools, 'conditions', NEW.conditions, 'valid_from', NEW.valid_from AT TIME ZONE 'UTC', 'valid_until', NEW.valid_until AT TIME ZONE 'UTC', 'limit_calls', NEW.limit_calls, 'limit_period', NEW.limit_period, 'limit_per', NEW.limit_per, 'enabled', NEW.enabled, 'note', NEW.note, 'stopped_by', NEW.stopped_by)::text;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', OLD.id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', OLD.id, 'rule', OLD.id, NULL::bigint, json_build_object('id', OLD.id, 'effect', OLD.effect, 'applies_to', OLD.applies_to, 'token_scopes', OLD.token_scopes, 'kind', OLD.kind, 'tools', OLD.tools, 'conditions', OLD.conditions, 'valid_from', OLD.valid_from AT TIME ZONE 'UTC', 'valid_until', OLD.valid_until AT TIME ZONE 'UTC', 'limit_calls', OLD.limit_calls, 'limit_period', OLD.limit_period, 'limit_per', OLD.limit_per, 'enabled', OLD.enabled, 'note', OLD.note, 'stopped_by', OLD.stopped_by)::text, NULL;
    ELSIF OLD.id IS DISTINCT FROM NEW.id OR OLD.effect IS DISTINCT FROM NEW.effect OR OLD.applies_to IS DISTINCT FROM NEW.applies_to OR OLD.token_scopes IS DISTINCT FROM NEW.token_scopes OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.tools IS DISTINCT FROM NEW.tools OR OLD.conditions IS DISTINCT FROM NEW.conditions OR OLD.valid_from IS DISTINCT FROM NEW.valid_from OR OLD.valid_until IS DISTINCT FROM NEW.valid_until OR OLD.limit_calls IS DISTINCT FROM NEW.limit_calls OR OLD.limit_period IS DISTINCT FROM NEW.limit_period OR OLD.limit_per IS DISTINCT FROM NEW.limit_per OR OLD.enabled IS DISTINCT FROM NEW.enabled OR OLD.note IS DISTINCT FROM NEW.note OR OLD.stopped_by IS DISTINCT FROM NEW.stopped_by THEN
        IF OLD.id IS DISTINCT FROM NEW.id OR OLD.effect IS DISTINCT FROM NEW.effect OR OLD.applies_to IS DISTINCT FROM NEW.applies_to OR OLD.token_scopes IS DISTINCT FROM NEW.token_scopes OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.tools IS DISTINCT FROM NEW.tools OR OLD.conditions IS DISTINCT FROM NEW.conditions OR OLD.valid_from IS DISTINCT FROM NEW.valid_from OR OLD.valid_until IS DISTINCT FROM NEW.valid_until OR OLD.limit_calls IS DISTINCT FROM NEW.limit_calls OR OLD.limit_period IS DISTINCT FROM NEW.limit_period OR OLD.limit_per IS DISTINCT FROM NEW.limit_per OR OLD.enabled IS DISTINCT FROM NEW.enabled THEN
            INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', OLD.id);
            IF OLD.id <> NEW.id THEN
                INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', NEW.id);
            END IF;
        END IF;
        IF OLD.id = NEW.id AND OLD.id = NEW.id THEN
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.id, 'rule', NEW.id, NULL::bigint, json_build_object('id', OLD.id, 'effect', OLD.effect, 'applies_to', OLD.applies_to, 'token_scopes', OLD.token_scopes, 'kind', OLD.kind, 'tools', OLD.tools, 'conditions', OLD.conditions, 'valid_from', OLD.valid_from AT TIME ZONE 'UTC', 'valid_until', OLD.valid_until AT TIME ZONE 'UTC', 'limit_calls', OLD.limit_calls, 'limit_period', OLD.limit_period, 'limit_per', OLD.limit_per, 'enabled', OLD.enabled, 'note', OLD.note, 'stopped_by', OLD.stopped_by)::text, json_build_object('id', NEW.id, 'effect', NEW.effect, 'applies_to', NEW.applies_to, 'token_scopes', NEW.token_scopes, 'kind', NEW.kind, 'tools', NEW.tools, 'conditions', NEW.conditions, 'valid_from', NEW.valid_from AT TIME ZONE 'UTC', 'valid_until', NEW.valid_until AT TIME ZONE 'UTC', 'limit_calls', NEW.limit_calls, 'limit_period', NEW.limit_period, 'limit_per', NEW.limit_per, 'enabled', NEW.enabled, 'note', NEW.note, 'stopped_by', NEW.stopped_by)::text;
        ELSE
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', OLD.id, 'rule', OLD.id, NULL::bigint, json_build_object('id', OLD.id, 'effect', OLD.effect, 'applies_to', OLD.applies_to, 'token_scopes', OLD.token_scopes, 'kind', OLD.kind, 'tools', OLD.tools, 'conditions', OLD.conditions, 'valid_from', OLD.valid_from AT TIME ZONE 'UTC', 'valid_until', OLD.valid_until AT TIME ZONE 'UTC', 'limit_calls', OLD.limit_calls, 'limit_period', OLD.limit_period, 'limit_per', OLD.limit_per, 'enabled', OLD.enabled, 'note', OLD.note, 'stopped_by', OLD.stopped_by)::text, NULL;
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.id, 'rule', NEW.id, NULL::bigint, NULL, json_build_object('id', NEW.id, 'effect', NEW.effect, 'applies_to', NEW.applies_to, 'token_scopes', NEW.token_scopes, 'kind', NEW.kind, 'tools', NEW.tools, 'conditions', NEW.conditions, 'valid_from', NEW.valid_from AT TIME ZONE 'UTC', 'valid_until', NEW.valid_until AT TIME ZONE 'UTC', 'limit_calls', NEW.limit_calls, 'limit_period', NEW.limit_period, 'limit_per', NEW.limit_per, 'enabled', NEW.enabled, 'note', NEW.note, 'stopped_by', NEW.stopped_by)::text;
        END IF;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: policy_version_authz_app_ruleclient(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_authz_app_ruleclient() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('all', 0);
        PERFORM policy_version_edit();
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM authz_app_policyrevision r WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM authz_app_policyrevision x WHERE x.part = 'member' AND NOT EXISTS (SELECT 1 FROM authz_app_ruleclient t WHERE t.id = x.part_id) GROUP BY x.part_id);
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', NEW.rule_id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.rule_id, 'member', NEW.id, NEW.client_id, NULL, json_build_object('id', NEW.id, 'rule_id', NEW.rule_id, 'client_id', NEW.client_id)::text;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', OLD.rule_id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', OLD.rule_id, 'member', OLD.id, OLD.client_id, json_build_object('id', OLD.id, 'rule_id', OLD.rule_id, 'client_id', OLD.client_id)::text, NULL;
    ELSIF OLD.id IS DISTINCT FROM NEW.id OR OLD.rule_id IS DISTINCT FROM NEW.rule_id OR OLD.client_id IS DISTINCT FROM NEW.client_id THEN
        IF OLD.id IS DISTINCT FROM NEW.id OR OLD.rule_id IS DISTINCT FROM NEW.rule_id OR OLD.client_id IS DISTINCT FROM NEW.client_id THEN
            INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', OLD.rule_id);
            IF OLD.rule_id <> NEW.rule_id THEN
                INSERT INTO authz_app_policychange (entity, row_id) VALUES ('rule', NEW.rule_id);
            END IF;
        END IF;
        IF OLD.id = NEW.id AND OLD.rule_id = NEW.rule_id THEN
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.rule_id, 'member', NEW.id, NEW.client_id, json_build_object('id', OLD.id, 'rule_id', OLD.rule_id, 'client_id', OLD.client_id)::text, json_build_object('id', NEW.id, 'rule_id', NEW.rule_id, 'client_id', NEW.client_id)::text;
        ELSE
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', OLD.rule_id, 'member', OLD.id, OLD.client_id, json_build_object('id', OLD.id, 'rule_id', OLD.rule_id, 'client_id', OLD.client_id)::text, NULL;
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'rule', NEW.rule_id, 'member', NEW.id, NEW.client_id, NULL, json_build_object('id', NEW.id, 'rule_id', NEW.rule_id, 'client_id', NEW.client_id)::text;
        END IF;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: policy_version_edit(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_edit() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    found bigint;
    actor text := COALESCE(current_setting('authz.actor', true), '');
BEGIN
    -- Only this transaction's own edit can be seen without a version.
    SELECT id INTO found FROM authz_app_policyedit WHERE version IS NULL;
    IF found IS NULL THEN
        INSERT INTO authz_app_policyedit (moved, at, actor_kind, actor, database_user) VALUES (
            false, clock_timestamp(), left(split_part(actor, ':', 1), 10),
            left(substr(actor, strpos(actor, ':') + 1), 200), session_user
        ) RETURNING id INTO found;
    END IF;
    RETURN found;
END $$;


--
-- Name: policy_version_move(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE given bigint;
BEGIN
    -- The first edit of a history is given the version that is current.
    IF NOT EXISTS (SELECT FROM authz_app_policyedit WHERE id = NEW.id AND version IS NULL) THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM (SELECT FROM authz_app_policychange WHERE version IS NULL LIMIT 500 + 1) AS several)
        > 500
    THEN
        DELETE FROM authz_app_policychange WHERE version IS NULL;
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('all', 0);
    END IF;
    IF EXISTS (SELECT FROM authz_app_policychange WHERE version IS NULL) THEN
        UPDATE authz_app_policystate SET version = version + 1 RETURNING version INTO given;
        -- Without its row (a flush) there is no version, and nothing can be recorded until `migrate` restores it.
        UPDATE authz_app_policychange SET version = COALESCE(given, 0) WHERE version IS NULL;
        UPDATE authz_app_policyedit SET version = COALESCE(given, 0), moved = true, at = clock_timestamp() WHERE id = NEW.id;
    ELSE
        SELECT version INTO given FROM authz_app_policystate;
        UPDATE authz_app_policyedit SET version = COALESCE(given, 0), at = clock_timestamp() WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: policy_version_tools_app_tool(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.policy_version_tools_app_tool() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('all', 0);
        PERFORM policy_version_edit();
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM authz_app_policyrevision r WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM authz_app_policyrevision x WHERE x.part = 'tool' AND NOT EXISTS (SELECT 1 FROM tools_app_tool t WHERE t.id = x.part_id) GROUP BY x.part_id);
    ELSIF TG_OP = 'INSERT' THEN
        
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'tool', NEW.id, 'tool', NEW.id, NULL::bigint, NULL, json_build_object('id', NEW.id, 'kind', NEW.kind, 'name', NEW.name, 'enabled', NEW.enabled, 'recorded', NEW.recorded, 'redacted', NEW.redacted)::text;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO authz_app_policychange (entity, row_id) VALUES ('tool', OLD.id);
        INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'tool', OLD.id, 'tool', OLD.id, NULL::bigint, json_build_object('id', OLD.id, 'kind', OLD.kind, 'name', OLD.name, 'enabled', OLD.enabled, 'recorded', OLD.recorded, 'redacted', OLD.redacted)::text, NULL;
    ELSIF OLD.id IS DISTINCT FROM NEW.id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.name IS DISTINCT FROM NEW.name OR OLD.enabled IS DISTINCT FROM NEW.enabled OR OLD.recorded IS DISTINCT FROM NEW.recorded OR OLD.redacted IS DISTINCT FROM NEW.redacted THEN
        IF OLD.id IS DISTINCT FROM NEW.id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.name IS DISTINCT FROM NEW.name OR OLD.enabled IS DISTINCT FROM NEW.enabled OR OLD.recorded IS DISTINCT FROM NEW.recorded OR OLD.redacted IS DISTINCT FROM NEW.redacted THEN
            INSERT INTO authz_app_policychange (entity, row_id) VALUES ('tool', OLD.id);
            IF OLD.id <> NEW.id THEN
                INSERT INTO authz_app_policychange (entity, row_id) VALUES ('tool', NEW.id);
            END IF;
        END IF;
        IF OLD.id = NEW.id AND OLD.id = NEW.id THEN
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'tool', NEW.id, 'tool', NEW.id, NULL::bigint, json_build_object('id', OLD.id, 'kind', OLD.kind, 'name', OLD.name, 'enabled', OLD.enabled, 'recorded', OLD.recorded, 'redacted', OLD.redacted)::text, json_build_object('id', NEW.id, 'kind', NEW.kind, 'name', NEW.name, 'enabled', NEW.enabled, 'recorded', NEW.recorded, 'redacted', NEW.redacted)::text;
        ELSE
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'tool', OLD.id, 'tool', OLD.id, NULL::bigint, json_build_object('id', OLD.id, 'kind', OLD.kind, 'name', OLD.name, 'enabled', OLD.enabled, 'recorded', OLD.recorded, 'redacted', OLD.redacted)::text, NULL;
            INSERT INTO authz_app_policyrevision (edit_id, entity, entity_id, part, part_id, client_id, was, became) SELECT policy_version_edit(), 'tool', NEW.id, 'tool', NEW.id, NULL::bigint, NULL, json_build_object('id', NEW.id, 'kind', NEW.kind, 'name', NEW.name, 'enabled', NEW.enabled, 'recorded', NEW.recorded, 'redacted', NEW.redacted)::text;
        END IF;
    END IF;
    RETURN NULL;
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: account_emailaddress; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_emailaddress (
    id integer NOT NULL,
    email character varying(254) NOT NULL,
    verified boolean NOT NULL,
    "primary" boolean NOT NULL,
    user_id bigint NOT NULL
);


--
-- Name: account_emailaddress_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.account_emailaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: account_emailconfirmation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_emailconfirmation (
    id integer NOT NULL,
    created timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    key character varying(64) NOT NULL,
    email_address_id integer NOT NULL
);


--
-- Name: account_emailconfirmation_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.account_emailconfirmation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailconfirmation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: allauth_idp_oidc_client; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.allauth_idp_oidc_client (
    id character varying(100) NOT NULL,
    name character varying(100) NOT NULL,
    secret character varying(200) NOT NULL,
    scopes text NOT NULL,
    type character varying(20) NOT NULL,
    grant_types text NOT NULL,
    redirect_uris text NOT NULL,
    cors_origins text NOT NULL,
    response_types text NOT NULL,
    skip_consent boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    data jsonb,
    owner_id bigint,
    default_scopes text NOT NULL,
    allow_uri_wildcards boolean NOT NULL
);


--
-- Name: allauth_idp_oidc_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.allauth_idp_oidc_token (
    id bigint NOT NULL,
    type character varying(2) NOT NULL,
    hash character varying(255) NOT NULL,
    data jsonb,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    scopes text NOT NULL,
    client_id character varying(100),
    user_id bigint
);


--
-- Name: allauth_idp_oidc_token_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.allauth_idp_oidc_token ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.allauth_idp_oidc_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_group; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);


--
-- Name: auth_group_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_group_permissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);


--
-- Name: auth_group_permissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_permission; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);


--
-- Name: auth_permission_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_auditevent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_auditevent (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(32) NOT NULL,
    actor character varying(200) NOT NULL,
    client_id bigint NOT NULL,
    client_name character varying(200) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    oauth_client_id character varying(255) NOT NULL,
    mcp_session character varying(32) NOT NULL,
    address character varying(45) NOT NULL,
    worker character varying(64) NOT NULL,
    count bigint NOT NULL,
    details text NOT NULL,
    seal bigint
);


--
-- Name: authz_app_auditkey; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_auditkey (
    id character varying(16) NOT NULL,
    statement text NOT NULL,
    signature character varying(128) NOT NULL,
    predecessor_signature character varying(128) NOT NULL
);


--
-- Name: authz_app_auditlines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_auditlines (
    id bigint NOT NULL,
    upto bigint NOT NULL,
    holder character varying(64) NOT NULL,
    held_until timestamp with time zone
);


--
-- Name: authz_app_auditlines_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_auditlines ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_auditlines_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_auditseal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_auditseal (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    count integer NOT NULL,
    statement text NOT NULL,
    signature character varying(128) NOT NULL,
    members bytea NOT NULL,
    pruned text NOT NULL,
    pruned_signature character varying(128) NOT NULL
);


--
-- Name: authz_app_callrecord; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_callrecord (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(10) NOT NULL,
    tool character varying(128) NOT NULL,
    arguments text NOT NULL,
    decision character varying(10) NOT NULL,
    reason character varying(20) NOT NULL,
    rules text NOT NULL,
    policy_version bigint NOT NULL,
    client_id bigint NOT NULL,
    client_name character varying(200) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    oauth_client_id character varying(255) NOT NULL,
    token_scopes text NOT NULL,
    client_software character varying(200) NOT NULL,
    mcp_session character varying(32) NOT NULL,
    transport character varying(20) NOT NULL,
    protocol_version character varying(20) NOT NULL,
    address character varying(45) NOT NULL,
    worker character varying(64) NOT NULL,
    deadline timestamp with time zone,
    outcome character varying(20) NOT NULL,
    duration_ms double precision,
    result_size bigint,
    error character varying(500) NOT NULL,
    undelivered boolean DEFAULT false NOT NULL,
    seal bigint,
    claims text DEFAULT ''::text NOT NULL,
    result text DEFAULT ''::text NOT NULL
);


--
-- Name: authz_app_client; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_client (
    id bigint NOT NULL,
    name character varying(200) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    kind character varying(10) NOT NULL,
    status character varying(10) NOT NULL,
    notes text NOT NULL,
    first_seen timestamp with time zone,
    last_seen timestamp with time zone
);


--
-- Name: authz_app_client_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_client ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_client_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_limitcount; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_limitcount (
    id bigint NOT NULL,
    rule_id bigint NOT NULL,
    client_id bigint NOT NULL,
    calls text NOT NULL,
    until double precision NOT NULL
);


--
-- Name: authz_app_limitcount_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_limitcount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_limitcount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_opensession; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_opensession (
    mcp_session character varying(32) NOT NULL,
    opened_at double precision NOT NULL,
    holder character varying(64) NOT NULL,
    transport character varying(20) NOT NULL,
    client_id bigint NOT NULL,
    client_name character varying(200) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    oauth_client_id character varying(255) NOT NULL,
    address character varying(45) NOT NULL
);


--
-- Name: authz_app_policychange; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_policychange (
    id bigint NOT NULL,
    version bigint,
    entity character varying(20) NOT NULL,
    row_id bigint NOT NULL
);


--
-- Name: authz_app_policychange_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_policychange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_policychange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_policyedit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_policyedit (
    id bigint NOT NULL,
    version bigint,
    moved boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_kind character varying(10) NOT NULL,
    actor character varying(200) NOT NULL,
    database_user character varying(63) NOT NULL
);


--
-- Name: authz_app_policyedit_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_policyedit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_policyedit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_policyrevision; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_policyrevision (
    id bigint NOT NULL,
    entity character varying(20) NOT NULL,
    entity_id bigint NOT NULL,
    part character varying(20) NOT NULL,
    part_id bigint NOT NULL,
    client_id bigint,
    was text,
    became text,
    edit_id bigint NOT NULL
);


--
-- Name: authz_app_policyrevision_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_policyrevision ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_policyrevision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_policystate; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_policystate (
    id bigint NOT NULL,
    version bigint NOT NULL
);


--
-- Name: authz_app_policystate_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_policystate ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_policystate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_rule; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_rule (
    id bigint NOT NULL,
    effect character varying(10) NOT NULL,
    applies_to character varying(10) NOT NULL,
    token_scopes text NOT NULL,
    tools text NOT NULL,
    enabled boolean NOT NULL,
    note text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    kind character varying(10) DEFAULT 'tool'::character varying NOT NULL,
    conditions text DEFAULT ''::text NOT NULL,
    limit_calls integer,
    limit_per character varying(10) DEFAULT ''::character varying NOT NULL,
    limit_period character varying(10) DEFAULT ''::character varying NOT NULL,
    valid_from timestamp with time zone,
    valid_until timestamp with time zone,
    stopped_by character varying(150) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT authz_app_rule_limit_calls_check CHECK ((limit_calls >= 0))
);


--
-- Name: authz_app_rule_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_rule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_ruleclient; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_ruleclient (
    id bigint NOT NULL,
    client_id bigint NOT NULL,
    rule_id bigint NOT NULL
);


--
-- Name: authz_app_ruleclient_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_ruleclient ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_ruleclient_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_user; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_user (
    id bigint NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);


--
-- Name: authz_app_user_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_user_groups (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    group_id integer NOT NULL
);


--
-- Name: authz_app_user_groups_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_user_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: authz_app_user_user_permissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authz_app_user_user_permissions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    permission_id integer NOT NULL
);


--
-- Name: authz_app_user_user_permissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.authz_app_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.authz_app_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_admin_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id bigint NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);


--
-- Name: django_admin_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_admin_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_admin_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_content_type; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);


--
-- Name: django_content_type_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);


--
-- Name: django_migrations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);


--
-- Name: tools_app_tool; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tools_app_tool (
    id bigint NOT NULL,
    name character varying(128) NOT NULL,
    description text NOT NULL,
    module character varying(255) NOT NULL,
    enabled boolean NOT NULL,
    gone boolean NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    kind character varying(10) DEFAULT 'tool'::character varying NOT NULL,
    recorded character varying(10) DEFAULT ''::character varying NOT NULL,
    redacted text DEFAULT ''::text NOT NULL
);


--
-- Name: tools_app_tool_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tools_app_tool ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.tools_app_tool_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tools_app_workerpresence; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tools_app_workerpresence (
    name character varying(64) NOT NULL,
    alone boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Data for Name: account_emailaddress; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: account_emailconfirmation; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: allauth_idp_oidc_client; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.allauth_idp_oidc_client VALUES ('demo', 'demo', '', 'tools:read
tools:write', 'confidential', 'client_credentials', '', '', '', false, '2026-11-30 21:58:37.878186+00', '{"demo_issuers": ["http://127.0.0.1:8765"]}', NULL, '', false);


--
-- Data for Name: allauth_idp_oidc_token; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: auth_group; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_group VALUES (1, 'Policy editors');
INSERT INTO public.auth_group VALUES (2, 'Auditors');
INSERT INTO public.auth_group VALUES (3, 'Auditors with arguments');


--
-- Data for Name: auth_group_permissions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_group_permissions VALUES (1, 1, 1);
INSERT INTO public.auth_group_permissions VALUES (2, 1, 2);
INSERT INTO public.auth_group_permissions VALUES (3, 1, 3);
INSERT INTO public.auth_group_permissions VALUES (4, 1, 4);
INSERT INTO public.auth_group_permissions VALUES (5, 1, 5);
INSERT INTO public.auth_group_permissions VALUES (6, 1, 6);
INSERT INTO public.auth_group_permissions VALUES (7, 1, 7);
INSERT INTO public.auth_group_permissions VALUES (8, 1, 8);
INSERT INTO public.auth_group_permissions VALUES (9, 1, 9);
INSERT INTO public.auth_group_permissions VALUES (10, 1, 10);
INSERT INTO public.auth_group_permissions VALUES (11, 1, 11);
INSERT INTO public.auth_group_permissions VALUES (12, 1, 12);
INSERT INTO public.auth_group_permissions VALUES (13, 1, 13);
INSERT INTO public.auth_group_permissions VALUES (14, 2, 1);
INSERT INTO public.auth_group_permissions VALUES (15, 2, 2);
INSERT INTO public.auth_group_permissions VALUES (16, 2, 3);
INSERT INTO public.auth_group_permissions VALUES (17, 2, 4);
INSERT INTO public.auth_group_permissions VALUES (18, 2, 5);
INSERT INTO public.auth_group_permissions VALUES (19, 2, 6);
INSERT INTO public.auth_group_permissions VALUES (20, 3, 1);
INSERT INTO public.auth_group_permissions VALUES (21, 3, 2);
INSERT INTO public.auth_group_permissions VALUES (22, 3, 3);
INSERT INTO public.auth_group_permissions VALUES (23, 3, 4);
INSERT INTO public.auth_group_permissions VALUES (24, 3, 5);
INSERT INTO public.auth_group_permissions VALUES (25, 3, 6);
INSERT INTO public.auth_group_permissions VALUES (26, 3, 14);
INSERT INTO public.auth_group_permissions VALUES (27, 1, 15);
INSERT INTO public.auth_group_permissions VALUES (28, 2, 15);
INSERT INTO public.auth_group_permissions VALUES (29, 3, 15);


--
-- Data for Name: auth_permission; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_permission VALUES (1, 'Can view client', 1, 'view_client');
INSERT INTO public.auth_permission VALUES (2, 'Can view rule', 2, 'view_rule');
INSERT INTO public.auth_permission VALUES (3, 'Can view call record', 3, 'view_callrecord');
INSERT INTO public.auth_permission VALUES (4, 'Can view policy version', 4, 'view_policyedit');
INSERT INTO public.auth_permission VALUES (5, 'Can view tool', 5, 'view_tool');
INSERT INTO public.auth_permission VALUES (6, 'Can view MCP session', 6, 'view_mcpsession');
INSERT INTO public.auth_permission VALUES (7, 'Can add client', 1, 'add_client');
INSERT INTO public.auth_permission VALUES (8, 'Can change client', 1, 'change_client');
INSERT INTO public.auth_permission VALUES (9, 'Can delete client', 1, 'delete_client');
INSERT INTO public.auth_permission VALUES (10, 'Can add rule', 2, 'add_rule');
INSERT INTO public.auth_permission VALUES (11, 'Can change rule', 2, 'change_rule');
INSERT INTO public.auth_permission VALUES (12, 'Can delete rule', 2, 'delete_rule');
INSERT INTO public.auth_permission VALUES (13, 'Can explain decisions about any client', 2, 'explain_decision');
INSERT INTO public.auth_permission VALUES (14, 'Can view recorded arguments', 3, 'view_arguments');
INSERT INTO public.auth_permission VALUES (15, 'Can view event', 7, 'view_auditevent');
INSERT INTO public.auth_permission VALUES (16, 'Can add log entry', 8, 'add_logentry');
INSERT INTO public.auth_permission VALUES (17, 'Can change log entry', 8, 'change_logentry');
INSERT INTO public.auth_permission VALUES (18, 'Can delete log entry', 8, 'delete_logentry');
INSERT INTO public.auth_permission VALUES (19, 'Can view log entry', 8, 'view_logentry');
INSERT INTO public.auth_permission VALUES (20, 'Can add permission', 9, 'add_permission');
INSERT INTO public.auth_permission VALUES (21, 'Can change permission', 9, 'change_permission');
INSERT INTO public.auth_permission VALUES (22, 'Can delete permission', 9, 'delete_permission');
INSERT INTO public.auth_permission VALUES (23, 'Can view permission', 9, 'view_permission');
INSERT INTO public.auth_permission VALUES (24, 'Can add group', 10, 'add_group');
INSERT INTO public.auth_permission VALUES (25, 'Can change group', 10, 'change_group');
INSERT INTO public.auth_permission VALUES (26, 'Can delete group', 10, 'delete_group');
INSERT INTO public.auth_permission VALUES (27, 'Can view group', 10, 'view_group');
INSERT INTO public.auth_permission VALUES (28, 'Can add content type', 11, 'add_contenttype');
INSERT INTO public.auth_permission VALUES (29, 'Can change content type', 11, 'change_contenttype');
INSERT INTO public.auth_permission VALUES (30, 'Can delete content type', 11, 'delete_contenttype');
INSERT INTO public.auth_permission VALUES (31, 'Can view content type', 11, 'view_contenttype');
INSERT INTO public.auth_permission VALUES (32, 'Can add session', 12, 'add_session');
INSERT INTO public.auth_permission VALUES (33, 'Can change session', 12, 'change_session');
INSERT INTO public.auth_permission VALUES (34, 'Can delete session', 12, 'delete_session');
INSERT INTO public.auth_permission VALUES (35, 'Can view session', 12, 'view_session');
INSERT INTO public.auth_permission VALUES (36, 'Can add email address', 13, 'add_emailaddress');
INSERT INTO public.auth_permission VALUES (37, 'Can change email address', 13, 'change_emailaddress');
INSERT INTO public.auth_permission VALUES (38, 'Can delete email address', 13, 'delete_emailaddress');
INSERT INTO public.auth_permission VALUES (39, 'Can view email address', 13, 'view_emailaddress');
INSERT INTO public.auth_permission VALUES (40, 'Can add email confirmation', 14, 'add_emailconfirmation');
INSERT INTO public.auth_permission VALUES (41, 'Can change email confirmation', 14, 'change_emailconfirmation');
INSERT INTO public.auth_permission VALUES (42, 'Can delete email confirmation', 14, 'delete_emailconfirmation');
INSERT INTO public.auth_permission VALUES (43, 'Can view email confirmation', 14, 'view_emailconfirmation');
INSERT INTO public.auth_permission VALUES (44, 'Can add client', 15, 'add_client');
INSERT INTO public.auth_permission VALUES (45, 'Can change client', 15, 'change_client');
INSERT INTO public.auth_permission VALUES (46, 'Can delete client', 15, 'delete_client');
INSERT INTO public.auth_permission VALUES (47, 'Can view client', 15, 'view_client');
INSERT INTO public.auth_permission VALUES (48, 'Can add token', 16, 'add_token');
INSERT INTO public.auth_permission VALUES (49, 'Can change token', 16, 'change_token');
INSERT INTO public.auth_permission VALUES (50, 'Can delete token', 16, 'delete_token');
INSERT INTO public.auth_permission VALUES (51, 'Can view token', 16, 'view_token');
INSERT INTO public.auth_permission VALUES (52, 'Can add policy change', 17, 'add_policychange');
INSERT INTO public.auth_permission VALUES (53, 'Can change policy change', 17, 'change_policychange');
INSERT INTO public.auth_permission VALUES (54, 'Can delete policy change', 17, 'delete_policychange');
INSERT INTO public.auth_permission VALUES (55, 'Can view policy change', 17, 'view_policychange');
INSERT INTO public.auth_permission VALUES (56, 'Can add policy state', 18, 'add_policystate');
INSERT INTO public.auth_permission VALUES (57, 'Can change policy state', 18, 'change_policystate');
INSERT INTO public.auth_permission VALUES (58, 'Can delete policy state', 18, 'delete_policystate');
INSERT INTO public.auth_permission VALUES (59, 'Can view policy state', 18, 'view_policystate');
INSERT INTO public.auth_permission VALUES (60, 'Can add user', 19, 'add_user');
INSERT INTO public.auth_permission VALUES (61, 'Can change user', 19, 'change_user');
INSERT INTO public.auth_permission VALUES (62, 'Can delete user', 19, 'delete_user');
INSERT INTO public.auth_permission VALUES (63, 'Can view user', 19, 'view_user');
INSERT INTO public.auth_permission VALUES (64, 'Can add call record', 3, 'add_callrecord');
INSERT INTO public.auth_permission VALUES (65, 'Can change call record', 3, 'change_callrecord');
INSERT INTO public.auth_permission VALUES (66, 'Can delete call record', 3, 'delete_callrecord');
INSERT INTO public.auth_permission VALUES (67, 'Can add rule client', 20, 'add_ruleclient');
INSERT INTO public.auth_permission VALUES (68, 'Can change rule client', 20, 'change_ruleclient');
INSERT INTO public.auth_permission VALUES (69, 'Can delete rule client', 20, 'delete_ruleclient');
INSERT INTO public.auth_permission VALUES (70, 'Can view rule client', 20, 'view_ruleclient');
INSERT INTO public.auth_permission VALUES (71, 'Can view audit key', 22, 'view_auditkey');
INSERT INTO public.auth_permission VALUES (72, 'Can view audit seal', 23, 'view_auditseal');
INSERT INTO public.auth_permission VALUES (73, 'Can add limit count', 24, 'add_limitcount');
INSERT INTO public.auth_permission VALUES (74, 'Can change limit count', 24, 'change_limitcount');
INSERT INTO public.auth_permission VALUES (75, 'Can delete limit count', 24, 'delete_limitcount');
INSERT INTO public.auth_permission VALUES (76, 'Can view limit count', 24, 'view_limitcount');
INSERT INTO public.auth_permission VALUES (77, 'Can add tool', 5, 'add_tool');
INSERT INTO public.auth_permission VALUES (78, 'Can change tool', 5, 'change_tool');
INSERT INTO public.auth_permission VALUES (79, 'Can delete tool', 5, 'delete_tool');
INSERT INTO public.auth_permission VALUES (80, 'Can end MCP session', 6, 'end_mcpsession');


--
-- Data for Name: authz_app_auditevent; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_auditevent VALUES ('01a22e77-a844-7058-a47d-d6bbc79dec95', '2026-11-30 21:58:43.524817+00', 'key_change', '', 0, '', '', '', '', '', '', '', 1, '{"key":"25ef5fd3863af0ea","first_seal":1}', 7);
INSERT INTO public.authz_app_auditevent VALUES ('01a22e77-dedd-7e07-aa0b-96352833f73d', '2026-11-30 21:58:57.501767+00', 'session_opened', '', 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '2cbb8e1d3e83ea6b5ab735940502bb0b', '127.0.0.1', 'vm-8941-4b2b28', 1, '{"transport":"sse"}', 13);
INSERT INTO public.authz_app_auditevent VALUES ('01a22e77-e175-7843-8b68-9b66d4e8c5f7', '2026-11-30 21:58:58.124149+00', 'session_closed', '', 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '2cbb8e1d3e83ea6b5ab735940502bb0b', '127.0.0.1', 'vm-8941-4b2b28', 1, '{"why":"the client left","seconds":0.6,"calls":1,"transport":"sse","software":"manage.py mcp_client 1"}', 15);
INSERT INTO public.authz_app_auditevent VALUES ('01a22e78-6516-72d8-96f0-180a8d15378d', '2026-11-30 21:59:31.86266+00', 'session_opened', '', 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', 'fbeee761ea3b1a9b2a0b8566538e6acd', '127.0.0.1', 'vm-8941-4b2b28', 1, '{"transport":"sse"}', 31);
INSERT INTO public.authz_app_auditevent VALUES ('01a22e78-6595-77b4-9138-2d41ad1ea755', '2026-11-30 21:59:31.961867+00', 'session_closed', '', 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', 'fbeee761ea3b1a9b2a0b8566538e6acd', '127.0.0.1', 'vm-8941-4b2b28', 1, '{"why":"the client left","seconds":0.1,"calls":1,"transport":"sse","software":"manage.py mcp_client 1"}', 31);
INSERT INTO public.authz_app_auditevent VALUES ('01a22e79-644f-7245-b223-0fccb7d2e24f', '2026-11-30 22:00:37.199077+00', 'key_change', 'manage.py audit by root', 0, '', '', '', '', '', '', '', 1, '{"key":"c06e800f5021c4a8","first_seal":59,"follows":"25ef5fd3863af0ea"}', 64);


--
-- Data for Name: authz_app_auditkey; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_auditkey VALUES ('25ef5fd3863af0ea', '{"v":1,"key":"25ef5fd3863af0ea","public":"1585970bcdc761ae72290b1144d9407614c72528d2b5ef339f5c04d418539974","at":"2026-11-30T21:58:43.524616Z","first_seal":1,"follows":""}', 'c54e888940d0910edbf8f317dad8b52147bfb0367cedb7c6e72992529a28cae87f4a1fece582ec794a88f7bd02ea1e385a261c1e8bc9bcaac35b6b9c12d87203', '');
INSERT INTO public.authz_app_auditkey VALUES ('c06e800f5021c4a8', '{"v":1,"key":"c06e800f5021c4a8","public":"ee8efc783b9ec7c1610ef02b00965740adaf362e9fac945ff57b867b1346c1f4","at":"2026-11-30T22:00:37.198819Z","first_seal":59,"follows":"25ef5fd3863af0ea"}', 'dc8f76ed19254d472ca8fee4fa236061bf6bf517027dc0571630fc264712fdf6db9a9e521915bb7d8ff307eded4a3381639b3707cea0edd8c3e904a76c63670b', 'b29c2e332a79377741ffa42454f02e22ebbe31562ad4bb147cf3540040b665f686bb45e06f26a910582ce7ce46352dfcd8370ba707604a1fd46fa73d2a120a07');


--
-- Data for Name: authz_app_auditlines; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: authz_app_auditseal; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_auditseal VALUES (1, '2026-11-30 21:58:43.32877+00', 0, '{"v":1,"seal":1,"at":"2026-11-30T21:58:43.328770Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"0000000000000000000000000000000000000000000000000000000000000000","key":"25ef5fd3863af0ea"}', 'f0a7dbe09615a9c4c2ca236bb5658e5f12570ef931b80babbb42b4ab3f0426ced6b4f04288039d0a2178c5b93a29c96e21d568eb1b01ed4aa5ebddb3f9563706', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (2, '2026-11-30 21:58:45.362506+00', 0, '{"v":1,"seal":2,"at":"2026-11-30T21:58:45.362506Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"4dcfac6bca05e125807f18b0b67c41bd9f7cb583738dee94d57e7598556c8a1d","key":"25ef5fd3863af0ea"}', '5170db99202efe74629880e847c29465c1b9298e9656afab331e65896d8199e5d07b5917392fad8621174676511bf11f4104a615d65f2a0dd4a8361068d11a08', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (3, '2026-11-30 21:58:47.427509+00', 0, '{"v":1,"seal":3,"at":"2026-11-30T21:58:47.427509Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"552de47a03c2a4d1015d7af4c68381764a55cf7e102c3c1cc5d1ac21e747ad3f","key":"25ef5fd3863af0ea"}', '7158d3297a9843de1374f16724aa3c20f162a5d64d302de154d13d9978827c4e7c0fd02f37a2cc21ec030f11c7dc6780eb78f75467a24179014b1cb89e7a1d0c', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (4, '2026-11-30 21:58:49.463041+00', 0, '{"v":1,"seal":4,"at":"2026-11-30T21:58:49.463041Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"a30985e01640850d69f0522df4862fefd1d1cc644dde65e20d4033ff0f6a44e2","key":"25ef5fd3863af0ea"}', 'a07226f8b8c6942e05c4ad14a4623362be2110b9c3433b325e0b9778b014a2f6b761959e33ac21e4a41dca5c1c05b8ad4164178e6cfaebfe0bf0e775140abf0e', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (5, '2026-11-30 21:58:51.50223+00', 0, '{"v":1,"seal":5,"at":"2026-11-30T21:58:51.502230Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"ff465c0f1b12853296ee82bdae2f1cb94d38a08afffc65207355b9e813c7a2c7","key":"25ef5fd3863af0ea"}', 'fde72551e61970b96b420d1a7b50121e9456bef78e89ac8333348f3b1a9f4c4b52c9bdf729228808102601bdadb69c7274a978864a2c38df0989f867f170850f', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (6, '2026-11-30 21:58:53.524814+00', 0, '{"v":1,"seal":6,"at":"2026-11-30T21:58:53.524814Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"ed5ed46ecb7e3320b68a7ce294c21b1bee632036f0499c0ada2b584bea3d1f19","key":"25ef5fd3863af0ea"}', 'bbf769938dfc766157797146505e5d8b88f3ad42bfd8985ce76708e6e30f18e875019cc181861bbcb5207c610ec18dd89fa7b3eeb3962b8530596b5b58c29804', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (7, '2026-11-30 21:58:55.586878+00', 1, '{"v":1,"seal":7,"at":"2026-11-30T21:58:55.586878Z","count":1,"first":"01a22e77-a844-7058-a47d-d6bbc79dec95","last":"01a22e77-a844-7058-a47d-d6bbc79dec95","members":"e1308eaf446e3872758b28d8e16819a80ae08117dd5483228de17624c321f820","previous":"14af22fcc54e2b39fcf9066635a1621bafccfddbbd1e4a0a067ac90ed307156b","key":"25ef5fd3863af0ea"}', '5c658b281d34342e5731d6cb5cd4df4f3f6dbec9b3337ddbaf491276590e13cf6054c49f63287471cba8c6eddf5c093bb4e72c940d619d56ff0393229335c402', '\x01a22e77a8447058a47dd6bbc79dec95f1bc233dce59dcc80791a5e3f04349928ac89f10c2ae2dc484beeff75f6b0704', '', '');
INSERT INTO public.authz_app_auditseal VALUES (8, '2026-11-30 21:58:57.645875+00', 0, '{"v":1,"seal":8,"at":"2026-11-30T21:58:57.645875Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"5ed4b4b1a9961a7385eeac59286930b999e54559da549291fa332a7f9cb7cb81","key":"25ef5fd3863af0ea"}', '2b6f92fb0d999749d353c4e7691dce56bc32a3c745bbfec980312c74bf30a01ad43af81758b20859b07812e9a112d9c8ef4596e4e4cbe2cb05f212fa6f199a01', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (9, '2026-11-30 21:58:59.684229+00', 0, '{"v":1,"seal":9,"at":"2026-11-30T21:58:59.684229Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"ce02bc0e98da3535e4882ac06a14ab86f2de3fd03f0ae23c175afbcab86acc4b","key":"25ef5fd3863af0ea"}', '3851dc4bd2a6de9c0188ae97d19d5b6afae2ed35e8705598ca92f9861721cdf1c5243c7323b03ae9041802bd7030df19f6ecf7abba6f47866d3de0dbcf54000b', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (10, '2026-11-30 21:59:01.731111+00', 0, '{"v":1,"seal":10,"at":"2026-11-30T21:59:01.731111Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"0c48b6347452e576b6ea342430949777799b063d66dd16ad91f1f80a4fe5b4b5","key":"25ef5fd3863af0ea"}', '5731be89c5da595a95f8a1feee3dd4532883193c7f8a22ab76abe459c398465f68c94a02b3837c9af931688701960e7ce18117ec724f8f203c49d5e4d2df7500', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (11, '2026-11-30 21:59:03.822191+00', 0, '{"v":1,"seal":11,"at":"2026-11-30T21:59:03.822191Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"293fbf0804992345bddd8a98736e793218f3d363f3e20e564ba1942b33b53d83","key":"25ef5fd3863af0ea"}', '03b6b9e605b1fcf8158dcca894824664cc36a61a5535f87094f73693fa8436fcb42bd4c588b424dc849fe510a0dd5c156a0bad2d1dca7d16dbf9313167780006', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (12, '2026-11-30 21:59:05.877951+00', 0, '{"v":1,"seal":12,"at":"2026-11-30T21:59:05.877951Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"c772f0d6afdb77407d6662eb8680244a55b26b7f3552961528c43eb1a0363851","key":"25ef5fd3863af0ea"}', 'd406f5dfa71e0ffd854f76871fe7b846aa113a3127a949fb6eb1cea948455677671024be7a74b9cea2f24158089fd72a120c4af5abc2d513ab8571b6c8461a06', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (13, '2026-11-30 21:59:07.915446+00', 1, '{"v":1,"seal":13,"at":"2026-11-30T21:59:07.915446Z","count":1,"first":"01a22e77-dedd-7e07-aa0b-96352833f73d","last":"01a22e77-dedd-7e07-aa0b-96352833f73d","members":"266330c2bea054f301803aa54ce282ecebefe1b88884b853095e9f9e1b091c5b","previous":"649cc6185350381eadc2018207b6fea1f850320447f64f96616064a9efe91c63","key":"25ef5fd3863af0ea"}', 'fba31700483603a518ec279599668a64ba7b4a765e230e2405b18ec8803f84a99d816617740f96016d059fd4c07f5d87d30a612bbbed79ffaccd295ca6881e01', '\x01a22e77dedd7e07aa0b96352833f73d5ce1ee2115c43a3f0a4927e8d9c9d0c984a18e3f17fa53af2908cd6fcb684227', '', '');
INSERT INTO public.authz_app_auditseal VALUES (14, '2026-11-30 21:59:08.077719+00', 1, '{"v":1,"seal":14,"at":"2026-11-30T21:59:08.077719Z","count":1,"first":"01a22e77-df8f-709a-a0ed-d4d00c877126","last":"01a22e77-df8f-709a-a0ed-d4d00c877126","members":"b0a53d8f36c161ea0485f008183aefb574c1839e658ba54b2a5a0d6694e41e60","previous":"50f2fb79858cbc3aec34df78bcc619aeb2f7780dca8679d7013ad586dfbdebfb","key":"25ef5fd3863af0ea"}', 'e0fadea142507ee2bc1f604fc8e223ed03eff43873a3b9a5140ba81950918ec1da34f22a52cff8766281dde5d63980e409397539ad4bb0b42a2ab74909c7e402', '\x01a22e77df8f709aa0edd4d00c877126a8895c512634ad34c6c51f48a1c009afc7aa7a0834fa5aff0162a040d71e09db', '', '');
INSERT INTO public.authz_app_auditseal VALUES (15, '2026-11-30 21:59:10.157877+00', 1, '{"v":1,"seal":15,"at":"2026-11-30T21:59:10.157877Z","count":1,"first":"01a22e77-e175-7843-8b68-9b66d4e8c5f7","last":"01a22e77-e175-7843-8b68-9b66d4e8c5f7","members":"f97ce53040a1171c86e954da56a834b65ff1d525c8e9fd00540a569eafc8962d","previous":"26f5b0da95d07d5ca42c60660313a6f4e1b3067dd7cbe9dc8c16cb0eac76b702","key":"25ef5fd3863af0ea"}', 'af01f14a9c34509ad1fbc318434e6f2705046eb533c01af0b3cf612fcda1d9f06d1b36c56765553f4c244153944ba828f134fed0b1ae45efd2b30d2b1f924f01', '\x01a22e77e17578438b689b66d4e8c5f79aa17c8491c1a9c7ad659c80f48aec676655c863a7eaadc1cd9bae5ae2d387b3', '', '');
INSERT INTO public.authz_app_auditseal VALUES (16, '2026-11-30 21:59:12.194054+00', 0, '{"v":1,"seal":16,"at":"2026-11-30T21:59:12.194054Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"6694637751a23942fd87d7ac887cac0f9bc921568d8d8b1051cd5c4f0d2be0fd","key":"25ef5fd3863af0ea"}', 'ca35dfff3270cd194da24f9ae03b3fe59bfdcfa78313fed99df54473c102d90285f89901a122b5a470251ed90a6469a402074d46214598ad36156a1da1d65c04', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (17, '2026-11-30 21:59:14.241926+00', 0, '{"v":1,"seal":17,"at":"2026-11-30T21:59:14.241926Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"c1ac44bd1bc3ae5f5eeafa7ff4e4b6364b023a41e8ae9e73e43370d2cc9951b3","key":"25ef5fd3863af0ea"}', '96a2676a7cf4f8ddacb8c653049d4d9780135732e3982e9e7090c977b43a45896d01cfe2a18309327658248f203e845641c45d358abb2567cf7c043865662f07', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (18, '2026-11-30 21:59:16.306575+00', 0, '{"v":1,"seal":18,"at":"2026-11-30T21:59:16.306575Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"69bf6e2e1b6d911adebd6d860582dd444357239c4c3d15f3770ce88df7069f4e","key":"25ef5fd3863af0ea"}', 'ea4c322cba2711d25df91026c6f44a3ba784e249c33ede10d75895f3d4abc70aa50db8adc5ca8d4c534e99c918f843d01cfa8a9344c88f516b27bdce89841a02', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (19, '2026-11-30 21:59:18.333663+00', 1, '{"v":1,"seal":19,"at":"2026-11-30T21:59:18.333663Z","count":1,"first":"01a22e78-03cb-7699-88e3-c65ce9210866","last":"01a22e78-03cb-7699-88e3-c65ce9210866","members":"44ae573b9bec501678c3fb3aaf2da8ccb6e5e77916793255c63ac618dc08cd65","previous":"553406cc41415f621dcb1a772b62f70122f345e304bf6cff080ed62a11538890","key":"25ef5fd3863af0ea"}', 'cbeb7cd067e0c38c46e9908e964906859f4e331e4b90e34fb5ebefc15279f857eca47346b3692f3977e0f423d10228ea87544d9bf8358e7076c2812c971bf207', '\x01a22e7803cb769988e3c65ce921086676b668d7b1406738fe53501508df15b02bbd884424c8e6c5002ce7b2fc4ced28', '', '');
INSERT INTO public.authz_app_auditseal VALUES (20, '2026-11-30 21:59:20.366007+00', 0, '{"v":1,"seal":20,"at":"2026-11-30T21:59:20.366007Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"7ab634588b732cf8c37b10958333474abd4a7c1fd21d02c2b7c281f1c64a025c","key":"25ef5fd3863af0ea"}', '325fd44263f2692e4438c0d4ed15aec874ed996e7988399ba9f5c4b0a48e49012b45c06db5ae49a494f974e97d7e8df3a3e69c678b289dc1af640b25b168730a', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (21, '2026-11-30 21:59:22.435428+00', 0, '{"v":1,"seal":21,"at":"2026-11-30T21:59:22.435428Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"1e44b1cd92021adca929be52fb0797ac4c7ec0dc52c164ff477b76c7b9402664","key":"25ef5fd3863af0ea"}', 'dda4e00568b43cf01462cceb64780858730ee1460e1e09daa4724219c11fc2df217e6940395cc0a98affcc1104c79c8ba3f8b3ac940d307cdce60c143d2fb904', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (22, '2026-11-30 21:59:24.475479+00', 0, '{"v":1,"seal":22,"at":"2026-11-30T21:59:24.475479Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"fe27a6977405eacf2e4223136ecb08ba6b8fe98efe779c07d8c025f30f3602c3","key":"25ef5fd3863af0ea"}', '56b94986483a7c42a27946fbc9bc170ba1610bb47c1b7d9d1e6d0d199faf02e65b162e50ea51e293055553e77ed09f22bebf4166ee0c53b37c063d40aa3ccc02', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (23, '2026-11-30 21:59:26.555538+00', 1, '{"v":1,"seal":23,"at":"2026-11-30T21:59:26.555538Z","count":1,"first":"01a22e78-22e8-73ac-b93e-e9b1186b508b","last":"01a22e78-22e8-73ac-b93e-e9b1186b508b","members":"f537fa4d8223519b590b917863b3239f38b89e5780e92f3eddbd5e7f9e790c6b","previous":"9a4721b5fb603de6d28bc955975b20da32efc33e165f1adecffb47c991e11976","key":"25ef5fd3863af0ea"}', '8ef62e965066a8c1f2f98db89181d7e7fb326665817a4fe302df11aa5ae7548773fe6dd03ffa0396566ff21818fd6aa0ae5a5675c952a07ea17a0104326bf800', '\x01a22e7822e873acb93ee9b1186b508be63c74aa6a9143b9e8a2ece61fd85ac4b0698ba41a3895febdf01fe91c723f9c', '', '');
INSERT INTO public.authz_app_auditseal VALUES (24, '2026-11-30 21:59:28.599662+00', 0, '{"v":1,"seal":24,"at":"2026-11-30T21:59:28.599662Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"04a05c482168ab558ea0723753ea096b50b66d485ba4f64b92dab3e7625cc1f1","key":"25ef5fd3863af0ea"}', 'e4cc54fbe2e7ad38c5c5f06d85dcd2d0865e656663860fa3044dc77ffff8c34791583b922ce5f1dea089ca69fa8bf76faa5e021510990011a39d96b43473fd03', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (25, '2026-11-30 21:59:30.641438+00', 0, '{"v":1,"seal":25,"at":"2026-11-30T21:59:30.641438Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"e58756ee24671a5aa054260711abd105b9df8dbf2a66bb8d4e37ecd70179c6eb","key":"25ef5fd3863af0ea"}', 'ae3f586885dff917fe0508855501a9de2296a15e320b68add62a6e5cf2522c13e556a2d2d4c89e024b04bb412a2837e8cf699798deb4b2956eb824d9ed6f3808', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (26, '2026-11-30 21:59:32.701966+00', 1, '{"v":1,"seal":26,"at":"2026-11-30T21:59:32.701966Z","count":1,"first":"01a22e78-3fe5-754b-8125-f5bec511c763","last":"01a22e78-3fe5-754b-8125-f5bec511c763","members":"1d48358b5239ac168dfe2a3be8a738b6c722de9b11fc1368efa8bc4a2fd660b7","previous":"a68592190a63b3f507f70535421c8fc113c17355b5d3c29bbb251ac33e383b55","key":"25ef5fd3863af0ea"}', '0ebb86015f561bc6a26195dee2d237dd3332f8891f9ceda7790edfbd32d10294d38f392e548dc6041f60f7beabde1ab9bf8c780ca740f93923b155864649e306', '\x01a22e783fe5754b8125f5bec511c763c595c10474314d1635ced1621c6dcf1fac2689a4969ed41e23cbf833f084f4af', '', '');
INSERT INTO public.authz_app_auditseal VALUES (27, '2026-11-30 21:59:34.731694+00', 0, '{"v":1,"seal":27,"at":"2026-11-30T21:59:34.731694Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"f00a21a55404edda9feee6c9ebac688b5ff8b65d052d94aacc7564b67a9d2fce","key":"25ef5fd3863af0ea"}', '903ad976ce0579d7f1d873c3350f13c321784206a76a1c9bc5848a3be87c4253a700a371471872ec3164295af74a719ebbbd657731befde3d38e77704984c604', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (28, '2026-11-30 21:59:36.809811+00', 0, '{"v":1,"seal":28,"at":"2026-11-30T21:59:36.809811Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"be1687855d3ee925daa40c5d94d06e5457a5ef6f06ca528b87f063232a07cc0d","key":"25ef5fd3863af0ea"}', '73184f4183ebe86790cdf33be5901e5d6cf296fdcd90a3527cb25864fd78d787873b7b51d5194980c0037bacf367e0386c61778baeb5f623e41f4cb5f0eb5005', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (29, '2026-11-30 21:59:38.853894+00', 0, '{"v":1,"seal":29,"at":"2026-11-30T21:59:38.853894Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"cff2d27c3867c0752ef542707b93a22d4e7762cf80da029436339b2c90fa89bc","key":"25ef5fd3863af0ea"}', '582e64d5c3d2bf9fcbd23884a4be7860e2f656e9a7dd7916036f728f730674214d0d1dacab95129c9b6267d240e516adfdc0aac508739beb417951fd2892ea0e', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (30, '2026-11-30 21:59:40.89792+00', 0, '{"v":1,"seal":30,"at":"2026-11-30T21:59:40.897920Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"3be5388a5434c44e3869f51a3e7d2ca53e8f228a722c17119dd690234515cfe8","key":"25ef5fd3863af0ea"}', '1d887ebe0c4aeea62b8e035c4a99ca7ec8c90ffbbb9920de335bed135568d330f576fcb408b15ab4454a7fc383267f3c2e56a89a3939cabec162ec91736e2d0a', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (31, '2026-11-30 21:59:42.948143+00', 2, '{"v":1,"seal":31,"at":"2026-11-30T21:59:42.948143Z","count":2,"first":"01a22e78-6516-72d8-96f0-180a8d15378d","last":"01a22e78-6595-77b4-9138-2d41ad1ea755","members":"0729b66689c419e0ccce7eb364a693fc07aabccfbb140b590d6ea5e832f9cda2","previous":"51f7627a96b044efa9ac2134cf2459b94a405a529df6c9a280b203b0f7a07ae3","key":"25ef5fd3863af0ea"}', '388f5828d4cc52e1348cc1e02ae250b354ba30ad56c0476d5427f55278f16bf4f33c2587361fce00419ed3dd5d91ff8d86ca1f46d113e1d3f3911dd55516eb04', '\x01a22e78651672d896f0180a8d15378d0ed4404621d0d81c1e49fcb9a229b5da5323b889f67f1e62e805bb47e2fabf7401a22e78659577b491382d41ad1ea755f6a808d078068a89ad4f319b8fef5d5a6f5c8f8a318763e3474298356d045746', '', '');
INSERT INTO public.authz_app_auditseal VALUES (32, '2026-11-30 21:59:43.11783+00', 1, '{"v":1,"seal":32,"at":"2026-11-30T21:59:43.117830Z","count":1,"first":"01a22e78-6560-76c1-825f-2d6a6f57dbbe","last":"01a22e78-6560-76c1-825f-2d6a6f57dbbe","members":"f7a34e06daa1beac594cec3129b3710347010ec10ffc9aecb56d6fe244588bdb","previous":"6df54ab2abc495960ff567a03f5ebddb0ba6c9c9b5e9518aa52fc006bf154c78","key":"25ef5fd3863af0ea"}', '7b404ce5df09d45c98999c257c9d9a812bd3cfbd4be7109cb89eb183f7e28997a55c2d7c4b7a3530527d538d5bfbacff0716d297b1c6d46b3d7c23399bc0530d', '\x01a22e78656076c1825f2d6a6f57dbbee596cec6a94719b4d5670b155cf553d3dcd8da4645d46711d2cb074b5f0b349e', '', '');
INSERT INTO public.authz_app_auditseal VALUES (33, '2026-11-30 21:59:45.16984+00', 0, '{"v":1,"seal":33,"at":"2026-11-30T21:59:45.169840Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"ece829be6006ff8625837d43d4728f39c042bd65383ecf49e96ffb7e84f56310","key":"25ef5fd3863af0ea"}', '5a244274cd59d849a3dd09dc9246fbc143f069ae78298db7d26b090c6bcfd32e956b366be713578116a232cd69c2fdc96198b9a6e27dd69b7ee1f9379c515f06', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (34, '2026-11-30 21:59:47.198522+00', 0, '{"v":1,"seal":34,"at":"2026-11-30T21:59:47.198522Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"0cb0d442ac0a56c803f2d7d8b45c8de58b9924fe173d833dcea01847c0ee5efe","key":"25ef5fd3863af0ea"}', '1f4449efc5f36efe666430ab27500eed9859944c8ed51bdaba79d7f01b11ae03f982b57b1eb043114b96b275440a375f3a0c675d0e077f42406c41dd3f07c00c', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (35, '2026-11-30 21:59:49.262061+00', 0, '{"v":1,"seal":35,"at":"2026-11-30T21:59:49.262061Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"d9386e762c767a57242866009804115da20c30b452397de2c7c58e1f0ad587de","key":"25ef5fd3863af0ea"}', 'c3ce7883ff8189f77616f1f7b392bad58f7768cfbc135528db182c90400bc7b950582b3185974ace90c56d96af1d74ff020063e09f86c58d8a3ad9ff169d1307', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (36, '2026-11-30 21:59:51.298614+00', 0, '{"v":1,"seal":36,"at":"2026-11-30T21:59:51.298614Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"67488fd11b3d501382672a45ff58f27415a7faaf2a3cd750e10d0d66546d8831","key":"25ef5fd3863af0ea"}', 'beb42edf87e4238bd6e2920f860ecb952d8206122f66034b9ab789a74bf5a77b991b28b11bdc3ec614c0386e550e23300442c40f05231ee4a9ccf4b142bff10f', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (37, '2026-11-30 21:59:53.337942+00', 0, '{"v":1,"seal":37,"at":"2026-11-30T21:59:53.337942Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"73b366817b283d1368ec1163f911db0fd285c5dee65303a7e99bb8e2a78bf6e9","key":"25ef5fd3863af0ea"}', 'd81d3f403ebc2091018371f417adec41df9d362c735c58b805041804d0cc05ca4dc7be1ab7fdf4a3495732e6d18e90300ec2495cef641d869243996bef5e790a', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (38, '2026-11-30 21:59:55.377963+00', 0, '{"v":1,"seal":38,"at":"2026-11-30T21:59:55.377963Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"7cbb8e3ee717ce06abb255449f5adea023c177098e0fed9ece480577993bee36","key":"25ef5fd3863af0ea"}', 'b4f6e0db2c540687baa3c410f1648888cc022d5e549967c34ae457522a5ae85ec612dd5efdc09b292b38f32102f0d87e1685b07b4c049cbdc0a1a119fbcb5a01', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (39, '2026-11-30 21:59:57.417848+00', 0, '{"v":1,"seal":39,"at":"2026-11-30T21:59:57.417848Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"7367c55181aac09cbc70150a9565ffc7d4fb1533fd70ef7beaa0572b6c8b29a4","key":"25ef5fd3863af0ea"}', '84d7c77b8451ce102d362d27127dcdd93e438699c85f84c2e91f469134b859e7004ddaefc2ec8c048d75a9780ef1c77646aba49668b4e9ddb7751ff2ee6e7400', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (40, '2026-11-30 21:59:59.469265+00', 0, '{"v":1,"seal":40,"at":"2026-11-30T21:59:59.469265Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"db460957dd5e5c24b57c2cb6412c42ae052e99c9747f81335ee48451b93ee809","key":"25ef5fd3863af0ea"}', '2f17c22d10c609e41ab7e2dc0e654d473d492fd361db76a6fc8b4c77c5977d84273e4aa0b2fd61af94c7a28c3001e8d405a9427beccfcf839b00064565115702', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (41, '2026-11-30 22:00:01.514787+00', 0, '{"v":1,"seal":41,"at":"2026-11-30T22:00:01.514787Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"14c338a8460293ea459f4fbcedfc448bcb66ef858e4e2cebec63dd5be94ff3c2","key":"25ef5fd3863af0ea"}', '7b564aa31902de983490514b3131f905629463ba546f036e4384c4aeb606e4ca02babcefdb0cab24a1f5389a735c69f7fa39d59cc74d78e4802d5ff0a60b3302', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (42, '2026-11-30 22:00:03.554142+00', 0, '{"v":1,"seal":42,"at":"2026-11-30T22:00:03.554142Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"4894a71b43279ac44645ba07a0bf03f384031cb6e1991ac9ad25435a3fbea94c","key":"25ef5fd3863af0ea"}', '78b7de6060f5124e4917324098f93b520984aaccac68aa83109c07d7d822043b332d559a2996ef6816100cd182a816c193d1c5dff3e50db79f770fa8d60f850a', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (43, '2026-11-30 22:00:05.593205+00', 0, '{"v":1,"seal":43,"at":"2026-11-30T22:00:05.593205Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"8f34eb49044e224e29bb66995e618ac4b76fc39085df10f150bf26fdfbd189a4","key":"25ef5fd3863af0ea"}', '0ae2615e5198bb11b3bf14ec23743b6383681241658541b130628914ce64018d36005bbb103911e02849103467ec1ea6a7ea4c5be29dbf86c900e0ad0e0b3a0e', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (44, '2026-11-30 22:00:07.666687+00', 1, '{"v":1,"seal":44,"at":"2026-11-30T22:00:07.666687Z","count":1,"first":"01a22e78-c535-7e5b-8103-34cbc642b61a","last":"01a22e78-c535-7e5b-8103-34cbc642b61a","members":"59f46e4acb5515282a389d6803b8822171dd2c4480a07bbf2514d6d36a22ed95","previous":"fbe6ea5d31ffb1e9b735236277892cc2a761c86bd52de0a371f9426855fa2a33","key":"25ef5fd3863af0ea"}', '4093b54dd3c4260a44c06fb67118d881c32cc96b20a538bf3d3055175f95c4c4d808503fb8026781422bf37679f52adfcc1907f4a2f5cc13e7c345f87f2b850e', '\x01a22e78c5357e5b810334cbc642b61a233c0a842026b707ab6cbe55063c9573f79f856ce551afd8320232f20dc242d0', '', '');
INSERT INTO public.authz_app_auditseal VALUES (45, '2026-11-30 22:00:09.69508+00', 0, '{"v":1,"seal":45,"at":"2026-11-30T22:00:09.695080Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"f0b3fc01f6485d087cd474ef22a28db5894b0d81d0d25534d06b719acb111466","key":"25ef5fd3863af0ea"}', 'ebc64a5fbd6b62389f06cb9ca62315717171c1b28d3f7d1dc314338e82398ad4b1b89c12acc72e954ee076eb42469023a21373cba799fb7ff8f45ea8ffb24f05', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (46, '2026-11-30 22:00:11.73148+00', 0, '{"v":1,"seal":46,"at":"2026-11-30T22:00:11.731480Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"c3f63a532617b7c0c0762487cc6412d3f93e080292fdf275d5d83da80150b306","key":"25ef5fd3863af0ea"}', '3d85aecb7b52501b9efae44d8e8a34036e74b2486b0a128d9be6f22aef33d46d008d96f238d37d6566af576d57aaf20b9e2fd6b3fc0f44052e157c85467f9408', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (47, '2026-11-30 22:00:13.770685+00', 0, '{"v":1,"seal":47,"at":"2026-11-30T22:00:13.770685Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"cfa84c1a799257d4afb38e75f773e5180e8038050b13b7147bcc76b54ddbf1a9","key":"25ef5fd3863af0ea"}', '9ae6db1c465ccdc148425b18ae7546e43aac3af435065a8ffcd0aaa41ecd6e059c5d420376db7f89d7084c92e770b801f4ada0b0699781bcd4cfb4a0cf99c902', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (48, '2026-11-30 22:00:15.794983+00', 1, '{"v":1,"seal":48,"at":"2026-11-30T22:00:15.794983Z","count":1,"first":"01a22e78-e22a-7a50-a20d-bcfef01bdd3a","last":"01a22e78-e22a-7a50-a20d-bcfef01bdd3a","members":"393b7758789a3d0a92d0e8b740f263e1f11a84b73b105a255a8ea7753c485ff3","previous":"5e6204469aeb0670632f50e8497fa14ea4c2876f367cf4a88307cd5004778daa","key":"25ef5fd3863af0ea"}', 'b0e02a6aae300c389194504c5c625889f90edb9bfed9932e21f02d5980b95461f3abbc0f647dbfaa4724ab0025c47a80732bc134f8cbe6f7fc9a6759e3eade05', '\x01a22e78e22a7a50a20dbcfef01bdd3a8b3e50e742a4c7d3ec3c8a349c18b16f8415187e4629253ad9a6534a33d174e3', '', '');
INSERT INTO public.authz_app_auditseal VALUES (49, '2026-11-30 22:00:17.86692+00', 0, '{"v":1,"seal":49,"at":"2026-11-30T22:00:17.866920Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"590cae97ff6e8b49c71998599f11073ac2356dcca4cf5ce4b46b627a44bf8ea9","key":"25ef5fd3863af0ea"}', '1d59ba79a5c49cdd21965573844ee9dc6bef55b271d0dcc031fa2bc4430c3e2855dad5feaba2f4aa22e8ac967749b92287256197894065849aca17b967720409', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (50, '2026-11-30 22:00:19.907665+00', 0, '{"v":1,"seal":50,"at":"2026-11-30T22:00:19.907665Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"d1c54be34b8b6fe4dd4a33d87e17c976c90f65948a5f6cba16761a3b4e283f26","key":"25ef5fd3863af0ea"}', '4cf585771de5b5d0ef43f34b10fa79e9812e3d134377e2d22fb654b2d8cf49dacf14c4e288986645ac70cd70e80c0bf2540c73ab6ace300465cb1eaafa6b880f', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (51, '2026-11-30 22:00:21.976921+00', 1, '{"v":1,"seal":51,"at":"2026-11-30T22:00:21.976921Z","count":1,"first":"01a22e78-f9c0-7f74-b4bf-d7a3ffb2058d","last":"01a22e78-f9c0-7f74-b4bf-d7a3ffb2058d","members":"2a5a9c0d134455bd80157e31ac7b67d60d39cf41ccab484d747415eeb3ae6658","previous":"84c68a3aeeed033abe924c06289dee5fe30cbad4072d92ec8d3380d89bffb417","key":"25ef5fd3863af0ea"}', 'aa2156d6130c6e35ee879cc275921a90bec5d0efadd3a66e08fad78f8444ff8183be741b27939045611db1fb4bad38f657ea821b051ac729cfb7664458f23101', '\x01a22e78f9c07f74b4bfd7a3ffb2058d704e5c43e779166872a607590dd8685e2b89cfa265e04cdaced71d2f14b3156e', '', '');
INSERT INTO public.authz_app_auditseal VALUES (52, '2026-11-30 22:00:24.009771+00', 0, '{"v":1,"seal":52,"at":"2026-11-30T22:00:24.009771Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"443869420781011ec458676329b1cd16f49d3ae089193fd106d9543bba4e6e57","key":"25ef5fd3863af0ea"}', '17e1e68db2cc7d9b34db86dc91aa7384dbe71824a43dd5dd493c653cfe4cd410a0f57bbc6d472ded5500e81977f053f6ea1f8c19fb887e3ecccedeba16312705', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (53, '2026-11-30 22:00:26.084009+00', 0, '{"v":1,"seal":53,"at":"2026-11-30T22:00:26.084009Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"3ed3c58550b55d745ac336ba84e3cbd9db8d18ac10386d690d26d80f9312cae5","key":"25ef5fd3863af0ea"}', '6ae4eea9969ffbcba415af765a26ab9ca66d2c3bb4f865108343575adc2f6afe7d00a03e733a504fb80940d74d26b3c345ebbf7d7e66c221089370bd40648a08', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (54, '2026-11-30 22:00:28.115445+00', 0, '{"v":1,"seal":54,"at":"2026-11-30T22:00:28.115445Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"26295bcc24971e322a9f58e82bfa66289e97c473b5102381a8ce00ee9ef49bdc","key":"25ef5fd3863af0ea"}', 'f3026e536dbc0ec600e8f6960140e1e4cb9aa7722f933c4a8d3ddec2c86ab33bf001f0216031efebf53ef19b78c0b694590a6a4554170d401f9cd8eff02ccc0d', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (55, '2026-11-30 22:00:30.132901+00', 1, '{"v":1,"seal":55,"at":"2026-11-30T22:00:30.132901Z","count":1,"first":"01a22e79-1e04-7c38-afcc-671bdaf0b838","last":"01a22e79-1e04-7c38-afcc-671bdaf0b838","members":"6780f391090d246cb6332d870ed9fe62ebe7b75b91efa349f57dc849aac04305","previous":"41f4cee07bab46d863819d4b067d624a3ea27145f69a2744b3589b4d6f690f1e","key":"25ef5fd3863af0ea"}', 'aadcc44f38a43f10743ded08768914b1011f1238182cf2a1af805a7b6730aa094664f350f8237e76aefd7f280837b155f189fe0fd8c1db05410cc41fb69e290d', '\x01a22e791e047c38afcc671bdaf0b838788812b1cb4dd9e5b3abc2b6e2de211380947ff851580f587a905b3573d51d21', '', '');
INSERT INTO public.authz_app_auditseal VALUES (56, '2026-11-30 22:00:32.153188+00', 0, '{"v":1,"seal":56,"at":"2026-11-30T22:00:32.153188Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"a77d355d37cd15942423e3f1f6a2412ebc451c92db7dd3ff8be8a2bf5f0dda15","key":"25ef5fd3863af0ea"}', '2214702daacab10e2fd0c1ffb7412a19d9cd68540ad6d20266d5da84ba6789600a9fa267e8bbf24feaac6dffd463a06efb16e8cb2cf5f05368fa4a326f43300b', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (57, '2026-11-30 22:00:34.205849+00', 0, '{"v":1,"seal":57,"at":"2026-11-30T22:00:34.205849Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"093bd06861ef69daaf36cb77fd20586c0e896ffec13d1fec50525216d516bcb9","key":"25ef5fd3863af0ea"}', '7cf35a8019d0d3ded411a6af2129485692c316929db08912ea3179beee41a859147e53e02ea47e0eefdb2e51b1fac9eeb3e2a84ebaa9db87dd2da64988660f06', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (58, '2026-11-30 22:00:36.258848+00', 1, '{"v":1,"seal":58,"at":"2026-11-30T22:00:36.258848Z","count":1,"first":"01a22e79-36bf-71d7-a604-78a9138e376c","last":"01a22e79-36bf-71d7-a604-78a9138e376c","members":"ea23a5efec551d804d913de1ac7b2ab163766685113ede74c13c9f0057ed48e7","previous":"8fa5540b35120771db04b75561b86d4594c2a058220447caff33ec4f3e816f06","key":"25ef5fd3863af0ea"}', 'a52d05d0ca29e578744ca5cfa343d0583aacd1abcf81aa8ffb685a931c3b39194f91bca9624676b3a4e0118d1898c784fb9aa02dc13c3a55dda7065b0b66950f', '\x01a22e7936bf71d7a60478a9138e376ca32d46d4f0e8e61fcce2525e2e99ca58bfb13a9987547452c1b84fc06711961b', '', '');
INSERT INTO public.authz_app_auditseal VALUES (59, '2026-11-30 22:00:38.316145+00', 0, '{"v":1,"seal":59,"at":"2026-11-30T22:00:38.316145Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"cfada7e57d28738664f8cfff9aa0c3e018a92c1ef760d75e487d2a67031fe091","key":"c06e800f5021c4a8"}', '9439139ebd17fa5750092fb47b1104d64c0e383d26dda73252c6338ded1ec7deb54e064d333ac14aa857a04299e05f0eb40e569c0ce0f5ac508eebc20ddaec03', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (60, '2026-11-30 22:00:40.341782+00', 0, '{"v":1,"seal":60,"at":"2026-11-30T22:00:40.341782Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"4f346c3f371af27d5d54253bb19df57e3686d835131f7b3404de92f3626e8163","key":"c06e800f5021c4a8"}', '5b32b11b2ea2710f363f357179385dbb197ed6628b57c9c1113d67180d653045a925300ce109720cbff27d5d89ed93c6aac05910a8b5d5291b6b8b46162a9c0b', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (61, '2026-11-30 22:00:42.409727+00', 0, '{"v":1,"seal":61,"at":"2026-11-30T22:00:42.409727Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"9bc846bf239bd4ef4cc587b80d02393e28099986fa15fc5c888838580a194e83","key":"c06e800f5021c4a8"}', '7e006a1694d1f3605a2989e3520af651ef8790faccfe63677c4b352bb22dbaf46eff60f4fb982552d18f432762e838adc4f87dc3ce8c815137806db02d483205', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (62, '2026-11-30 22:00:44.447217+00', 0, '{"v":1,"seal":62,"at":"2026-11-30T22:00:44.447217Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"9db4484f617a6094cdcd751168c52688ddacc139f5684c39475182a272ff0d00","key":"c06e800f5021c4a8"}', '71a3903972459048e0e9f99618f19067cea587fb282a7f74de55c73a660b96f9e490a4d5845ec7a7033a4c025290db00735bae9505569ea427868cd36ad46801', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (63, '2026-11-30 22:00:46.475141+00', 0, '{"v":1,"seal":63,"at":"2026-11-30T22:00:46.475141Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"5c85c7599d3eb7dbc1fccdc6f7d2fabc5d4b899b3663a19dd09c386d0f82f1ae","key":"c06e800f5021c4a8"}', '274d548e8ad7c78b0c70165f9f2e4bd1f8035d55eacb5dbec7c1f12a0e5b43ce09447fb7d5d2b642ea4005579ad5de6996cffdb50781b34c6101563df49c140c', '\x', '', '');
INSERT INTO public.authz_app_auditseal VALUES (64, '2026-11-30 22:00:48.4889+00', 1, '{"v":1,"seal":64,"at":"2026-11-30T22:00:48.488900Z","count":1,"first":"01a22e79-644f-7245-b223-0fccb7d2e24f","last":"01a22e79-644f-7245-b223-0fccb7d2e24f","members":"fc01170e138601c46db457bb870e8cd3371736012af0ff88435996612edab3da","previous":"96db4830b9a5f46fc8443af8e0f27bf2ff28121433aab3d272bc6cc3d59c7a89","key":"c06e800f5021c4a8"}', '6a2fe3d548831f1bee20f6763000ca763fbd0df54a0c302d2acb38dda856ee0233e14a429fa5cd86896f680cf461506dc2ff34efb677e2c8b99163d049858402', '\x01a22e79644f7245b2230fccb7d2e24f6ed6a571d739bd25832bbf68ddab4fdb40f1f9931ef6db075533e4c1dfc8c821', '', '');
INSERT INTO public.authz_app_auditseal VALUES (65, '2026-11-30 22:00:50.503049+00', 0, '{"v":1,"seal":65,"at":"2026-11-30T22:00:50.503049Z","count":0,"first":null,"last":null,"members":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","previous":"bad430b6f62108affd1921db64e76d5679c4a8517fa0670fa26808f731ccb3de","key":"c06e800f5021c4a8"}', '5328cd33892efcf04153b5732763ac771c0c3362516c146a004df12ff7ca98e2ab336e704707da9673c4aa3830a1461035e615cd7713ebf790bdc87662b9df00', '\x', '', '');


--
-- Data for Name: authz_app_callrecord; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_callrecord VALUES ('01a22e77-df8f-709a-a0ed-d4d00c877126', '2026-11-30 21:58:57.679547+00', 'tool', 'TimeTool', '{"input_timezone":"Asia/Kolkata"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 2, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '2cbb8e1d3e83ea6b5ab735940502bb0b', 'sse', '2025-11-25', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 21:59:17.679547+00', 'ok', 32.35, 61, '', false, 14, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-03cb-7699-88e3-c65ce9210866', '2026-11-30 21:59:06.955921+00', 'tool', 'TimeTool', '{"input_timezone":"Europe/Berlin"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 2, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 21:59:26.955921+00', 'ok', 0.59, 62, '', false, 19, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-22e8-73ac-b93e-e9b1186b508b', '2026-11-30 21:59:14.920186+00', 'tool', 'TimeTool', '{"input_timezone":"Nowhere"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 2, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 21:59:34.920186+00', 'tool_error', 10.599, 140, '''Nowhere'' is not an IANA time zone. Use the name of the zone that the place lies in, such as Asia/Kolkata, Europe/Paris or America/New_York.', false, 23, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-3fe5-754b-8125-f5bec511c763', '2026-11-30 21:59:22.341713+00', 'tool', 'weather_tool', '{"location":"Bengaluru"}', 'denied', 'no_rule', '[]', 2, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', NULL, '', NULL, NULL, '', false, 26, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-6560-76c1-825f-2d6a6f57dbbe', '2026-11-30 21:59:31.936676+00', 'tool', 'no_such_tool', '{"password":"[redacted]"}', 'denied', 'unknown_tool', '[]', 2, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', 'fbeee761ea3b1a9b2a0b8566538e6acd', 'sse', '2025-11-25', '127.0.0.1', 'vm-8941-4b2b28', NULL, '', NULL, NULL, '', false, 32, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-c535-7e5b-8103-34cbc642b61a', '2026-11-30 21:59:56.478896+00', 'tool', 'TimeTool', '{"input_timezone":"Asia/Tokyo"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 22:00:16.469568+00', 'ok', 17.231, 59, '', false, 44, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-e22a-7a50-a20d-bcfef01bdd3a', '2026-11-30 22:00:03.886072+00', 'tool', 'TimeTool', '{"input_timezone":"Asia/Tokyo"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 22:00:23.882494+00', 'ok', 0.291, 59, '', false, 48, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e78-f9c0-7f74-b4bf-d7a3ffb2058d', '2026-11-30 22:00:09.927813+00', 'tool', 'TimeTool', '{"input_timezone":"Asia/Tokyo"}', 'allowed', 'allowed', '[{"id":1,"sentence":"Allow demo to call TimeTool."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', '2026-11-30 22:00:29.920414+00', 'ok', 0.372, 59, '', false, 51, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e79-1e04-7c38-afcc-671bdaf0b838', '2026-11-30 22:00:19.209898+00', 'tool', 'TimeTool', '{"input_timezone":"Asia/Tokyo"}', 'denied', 'limit_reached', '[{"id":2,"sentence":"Limit every client to 3 calls of any tool a minute."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', NULL, '', NULL, NULL, '', false, 55, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e79-36bf-71d7-a604-78a9138e376c', '2026-11-30 22:00:25.535681+00', 'tool', 'weather_tool', '{"location":"Lima"}', 'denied', 'condition_unmet', '[{"id":3,"sentence":"Allow demo to call weather_tool, if arguments.location is one of \"Paris\", \"Rome\"."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', NULL, '', NULL, NULL, '', false, 58, '', '');
INSERT INTO public.authz_app_callrecord VALUES ('01a22e79-7dae-7223-88d4-33c3ddfa6988', '2026-11-30 22:00:43.694875+00', 'tool', 'weather_tool', '{"location":"Lima"}', 'denied', 'condition_unmet', '[{"id":3,"sentence":"Allow demo to call weather_tool, if arguments.location is one of \"Paris\", \"Rome\"."}]', 4, 1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'demo', '', 'manage.py mcp_client 1', '', 'streamable', '2026-07-28', '127.0.0.1', 'vm-8941-4b2b28', NULL, '', NULL, NULL, '', false, NULL, '', '');


--
-- Data for Name: authz_app_client; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_client VALUES (1, 'demo', 'http://127.0.0.1:8765', 'demo@clients', 'service', 'active', '', '2026-11-30 21:58:57.502146+00', '2026-11-30 22:00:03.84965+00');


--
-- Data for Name: authz_app_limitcount; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_limitcount VALUES (1, 2, 1, '[[1796075996.478896,1],[1796076003.886072,1],[1796076009.927813,1]]', 1796076069.927813);


--
-- Data for Name: authz_app_opensession; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: authz_app_policychange; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_policychange VALUES (1, 2, 'rule', 1);
INSERT INTO public.authz_app_policychange VALUES (2, 2, 'rule', 1);
INSERT INTO public.authz_app_policychange VALUES (3, 3, 'rule', 2);
INSERT INTO public.authz_app_policychange VALUES (4, 4, 'rule', 3);
INSERT INTO public.authz_app_policychange VALUES (5, 4, 'rule', 3);


--
-- Data for Name: authz_app_policyedit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_policyedit VALUES (1, 1, true, '2026-11-30 21:58:25.288224+00', 'command', 'migrate by root', 'postgres');
INSERT INTO public.authz_app_policyedit VALUES (2, 1, false, '2026-11-30 21:58:25.437838+00', 'command', 'migrate by root', 'postgres');
INSERT INTO public.authz_app_policyedit VALUES (3, 1, false, '2026-11-30 21:58:25.447042+00', 'command', 'migrate by root', 'postgres');
INSERT INTO public.authz_app_policyedit VALUES (4, 2, true, '2026-11-30 21:58:38.816048+00', 'command', 'serve by root', 'postgres');
INSERT INTO public.authz_app_policyedit VALUES (5, 3, true, '2026-11-30 21:59:38.545413+00', 'command', 'add_rule by root', 'postgres');
INSERT INTO public.authz_app_policyedit VALUES (6, 4, true, '2026-11-30 21:59:48.050102+00', 'command', 'add_rule by root', 'postgres');


--
-- Data for Name: authz_app_policyrevision; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_policyrevision VALUES (1, 'tool', 1, 'tool', 1, NULL, NULL, '{"id" : 1, "kind" : "tool", "name" : "TimeTool", "enabled" : true, "recorded" : "", "redacted" : ""}', 2);
INSERT INTO public.authz_app_policyrevision VALUES (2, 'tool', 2, 'tool', 2, NULL, NULL, '{"id" : 2, "kind" : "tool", "name" : "weather_tool", "enabled" : true, "recorded" : "", "redacted" : ""}', 3);
INSERT INTO public.authz_app_policyrevision VALUES (3, 'client', 1, 'client', 1, 1, NULL, '{"id" : 1, "name" : "demo", "issuer" : "http://127.0.0.1:8765", "subject" : "demo@clients", "kind" : "service", "status" : "active", "notes" : ""}', 4);
INSERT INTO public.authz_app_policyrevision VALUES (4, 'rule', 1, 'rule', 1, NULL, NULL, '{"id" : 1, "effect" : "allow", "applies_to" : "these", "token_scopes" : "", "kind" : "tool", "tools" : "TimeTool", "conditions" : "", "valid_from" : null, "valid_until" : null, "limit_calls" : null, "limit_period" : "", "limit_per" : "", "enabled" : true, "note" : "Made by manage.py demo.", "stopped_by" : ""}', 4);
INSERT INTO public.authz_app_policyrevision VALUES (5, 'rule', 1, 'member', 1, 1, NULL, '{"id" : 1, "rule_id" : 1, "client_id" : 1}', 4);
INSERT INTO public.authz_app_policyrevision VALUES (6, 'rule', 2, 'rule', 2, NULL, NULL, '{"id" : 2, "effect" : "limit", "applies_to" : "every", "token_scopes" : "", "kind" : "tool", "tools" : "*", "conditions" : "", "valid_from" : null, "valid_until" : null, "limit_calls" : 3, "limit_period" : "minute", "limit_per" : "client", "enabled" : true, "note" : "limit", "stopped_by" : ""}', 5);
INSERT INTO public.authz_app_policyrevision VALUES (7, 'rule', 3, 'rule', 3, NULL, NULL, '{"id" : 3, "effect" : "allow", "applies_to" : "these", "token_scopes" : "", "kind" : "tool", "tools" : "weather_tool", "conditions" : "[{\"path\":\"arguments.location\",\"operator\":\"in\",\"value\":[\"Paris\",\"Rome\"]}]", "valid_from" : null, "valid_until" : null, "limit_calls" : null, "limit_period" : "", "limit_per" : "", "enabled" : true, "note" : "", "stopped_by" : ""}', 6);
INSERT INTO public.authz_app_policyrevision VALUES (8, 'rule', 3, 'member', 2, 1, NULL, '{"id" : 2, "rule_id" : 3, "client_id" : 1}', 6);


--
-- Data for Name: authz_app_policystate; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_policystate VALUES (1, 4);


--
-- Data for Name: authz_app_rule; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_rule VALUES (1, 'allow', 'these', '', 'TimeTool', true, 'Made by manage.py demo.', '2026-11-30 21:58:38.782162+00', '2026-11-30 21:58:38.782176+00', 'tool', '', NULL, '', '', NULL, NULL, '');
INSERT INTO public.authz_app_rule VALUES (2, 'limit', 'every', '', '*', true, 'limit', '2026-11-30 21:59:38.517674+00', '2026-11-30 21:59:38.517688+00', 'tool', '', 3, 'client', 'minute', NULL, NULL, '');
INSERT INTO public.authz_app_rule VALUES (3, 'allow', 'these', '', 'weather_tool', true, '', '2026-11-30 21:59:48.022249+00', '2026-11-30 21:59:48.022261+00', 'tool', '[{"path":"arguments.location","operator":"in","value":["Paris","Rome"]}]', NULL, '', '', NULL, NULL, '');


--
-- Data for Name: authz_app_ruleclient; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_ruleclient VALUES (1, 1, 1);
INSERT INTO public.authz_app_ruleclient VALUES (2, 1, 3);


--
-- Data for Name: authz_app_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authz_app_user VALUES (1, '!', NULL, true, 'admin', '', '', '', true, true, '2026-11-30 21:58:34.780832+00');


--
-- Data for Name: authz_app_user_groups; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: authz_app_user_user_permissions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: django_admin_log; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: django_content_type; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.django_content_type VALUES (1, 'authz_app', 'client');
INSERT INTO public.django_content_type VALUES (2, 'authz_app', 'rule');
INSERT INTO public.django_content_type VALUES (3, 'authz_app', 'callrecord');
INSERT INTO public.django_content_type VALUES (4, 'authz_app', 'policyedit');
INSERT INTO public.django_content_type VALUES (5, 'tools_app', 'tool');
INSERT INTO public.django_content_type VALUES (6, 'tools_app', 'mcpsession');
INSERT INTO public.django_content_type VALUES (7, 'authz_app', 'auditevent');
INSERT INTO public.django_content_type VALUES (8, 'admin', 'logentry');
INSERT INTO public.django_content_type VALUES (9, 'auth', 'permission');
INSERT INTO public.django_content_type VALUES (10, 'auth', 'group');
INSERT INTO public.django_content_type VALUES (11, 'contenttypes', 'contenttype');
INSERT INTO public.django_content_type VALUES (12, 'sessions', 'session');
INSERT INTO public.django_content_type VALUES (13, 'account', 'emailaddress');
INSERT INTO public.django_content_type VALUES (14, 'account', 'emailconfirmation');
INSERT INTO public.django_content_type VALUES (15, 'allauth_idp_oidc', 'client');
INSERT INTO public.django_content_type VALUES (16, 'allauth_idp_oidc', 'token');
INSERT INTO public.django_content_type VALUES (17, 'authz_app', 'policychange');
INSERT INTO public.django_content_type VALUES (18, 'authz_app', 'policystate');
INSERT INTO public.django_content_type VALUES (19, 'authz_app', 'user');
INSERT INTO public.django_content_type VALUES (20, 'authz_app', 'ruleclient');
INSERT INTO public.django_content_type VALUES (21, 'authz_app', 'policyrevision');
INSERT INTO public.django_content_type VALUES (22, 'authz_app', 'auditkey');
INSERT INTO public.django_content_type VALUES (23, 'authz_app', 'auditseal');
INSERT INTO public.django_content_type VALUES (24, 'authz_app', 'limitcount');
INSERT INTO public.django_content_type VALUES (25, 'authz_app', 'auditlines');
INSERT INTO public.django_content_type VALUES (26, 'authz_app', 'opensession');
INSERT INTO public.django_content_type VALUES (27, 'tools_app', 'workerpresence');


--
-- Data for Name: django_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.django_migrations VALUES (1, 'contenttypes', '0001_initial', '2026-11-30 21:58:20.833782+00');
INSERT INTO public.django_migrations VALUES (2, 'contenttypes', '0002_remove_content_type_name', '2026-11-30 21:58:20.861607+00');
INSERT INTO public.django_migrations VALUES (3, 'auth', '0001_initial', '2026-11-30 21:58:20.996325+00');
INSERT INTO public.django_migrations VALUES (4, 'auth', '0002_alter_permission_name_max_length', '2026-11-30 21:58:21.009718+00');
INSERT INTO public.django_migrations VALUES (5, 'auth', '0003_alter_user_email_max_length', '2026-11-30 21:58:21.026936+00');
INSERT INTO public.django_migrations VALUES (6, 'auth', '0004_alter_user_username_opts', '2026-11-30 21:58:21.052274+00');
INSERT INTO public.django_migrations VALUES (7, 'auth', '0005_alter_user_last_login_null', '2026-11-30 21:58:21.071291+00');
INSERT INTO public.django_migrations VALUES (8, 'auth', '0006_require_contenttypes_0002', '2026-11-30 21:58:21.083658+00');
INSERT INTO public.django_migrations VALUES (9, 'auth', '0007_alter_validators_add_error_messages', '2026-11-30 21:58:21.099106+00');
INSERT INTO public.django_migrations VALUES (10, 'auth', '0008_alter_user_username_max_length', '2026-11-30 21:58:21.126079+00');
INSERT INTO public.django_migrations VALUES (11, 'auth', '0009_alter_user_last_name_max_length', '2026-11-30 21:58:21.150101+00');
INSERT INTO public.django_migrations VALUES (12, 'auth', '0010_alter_group_name_max_length', '2026-11-30 21:58:21.175474+00');
INSERT INTO public.django_migrations VALUES (13, 'auth', '0011_update_proxy_permissions', '2026-11-30 21:58:21.195839+00');
INSERT INTO public.django_migrations VALUES (14, 'auth', '0012_alter_user_first_name_max_length', '2026-11-30 21:58:21.226629+00');
INSERT INTO public.django_migrations VALUES (15, 'authz_app', '0001_policy_and_records', '2026-11-30 21:58:21.571992+00');
INSERT INTO public.django_migrations VALUES (16, 'account', '0001_initial', '2026-11-30 21:58:21.713604+00');
INSERT INTO public.django_migrations VALUES (17, 'account', '0002_email_max_length', '2026-11-30 21:58:21.737446+00');
INSERT INTO public.django_migrations VALUES (18, 'account', '0003_alter_emailaddress_create_unique_verified_email', '2026-11-30 21:58:21.804451+00');
INSERT INTO public.django_migrations VALUES (19, 'account', '0004_alter_emailaddress_drop_unique_email', '2026-11-30 21:58:21.861991+00');
INSERT INTO public.django_migrations VALUES (20, 'account', '0005_emailaddress_idx_upper_email', '2026-11-30 21:58:21.913692+00');
INSERT INTO public.django_migrations VALUES (21, 'account', '0006_emailaddress_lower', '2026-11-30 21:58:21.946962+00');
INSERT INTO public.django_migrations VALUES (22, 'account', '0007_emailaddress_idx_email', '2026-11-30 21:58:21.999859+00');
INSERT INTO public.django_migrations VALUES (23, 'account', '0008_emailaddress_unique_primary_email_fixup', '2026-11-30 21:58:22.067139+00');
INSERT INTO public.django_migrations VALUES (24, 'account', '0009_emailaddress_unique_primary_email', '2026-11-30 21:58:22.096145+00');
INSERT INTO public.django_migrations VALUES (25, 'admin', '0001_initial', '2026-11-30 21:58:22.179329+00');
INSERT INTO public.django_migrations VALUES (26, 'admin', '0002_logentry_remove_auto_add', '2026-11-30 21:58:22.209048+00');
INSERT INTO public.django_migrations VALUES (27, 'admin', '0003_logentry_add_action_flag_choices', '2026-11-30 21:58:22.253731+00');
INSERT INTO public.django_migrations VALUES (28, 'allauth_idp_oidc', '0001_initial', '2026-11-30 21:58:22.453683+00');
INSERT INTO public.django_migrations VALUES (29, 'allauth_idp_oidc', '0002_client_default_scopes', '2026-11-30 21:58:22.490731+00');
INSERT INTO public.django_migrations VALUES (30, 'allauth_idp_oidc', '0003_client_allow_uri_wildcards', '2026-11-30 21:58:22.526165+00');
INSERT INTO public.django_migrations VALUES (31, 'authz_app', '0002_undelivered_and_indexes', '2026-11-30 21:58:22.609719+00');
INSERT INTO public.django_migrations VALUES (32, 'authz_app', '0003_kinds', '2026-11-30 21:58:22.725781+00');
INSERT INTO public.django_migrations VALUES (33, 'authz_app', '0004_input_required', '2026-11-30 21:58:22.769756+00');
INSERT INTO public.django_migrations VALUES (34, 'authz_app', '0005_policy_history', '2026-11-30 21:58:22.989954+00');
INSERT INTO public.django_migrations VALUES (35, 'authz_app', '0006_own_permissions', '2026-11-30 21:58:23.012305+00');
INSERT INTO public.django_migrations VALUES (36, 'authz_app', '0007_seals', '2026-11-30 21:58:23.108131+00');
INSERT INTO public.django_migrations VALUES (37, 'authz_app', '0008_conditions_windows_and_limits', '2026-11-30 21:58:23.285203+00');
INSERT INTO public.django_migrations VALUES (38, 'authz_app', '0009_stops', '2026-11-30 21:58:23.395551+00');
INSERT INTO public.django_migrations VALUES (39, 'authz_app', '0010_audit_events', '2026-11-30 21:58:23.490479+00');
INSERT INTO public.django_migrations VALUES (40, 'authz_app', '0011_addresses_and_refusals', '2026-11-30 21:58:23.537941+00');
INSERT INTO public.django_migrations VALUES (41, 'authz_app', '0012_audit_lines', '2026-11-30 21:58:23.557885+00');
INSERT INTO public.django_migrations VALUES (42, 'authz_app', '0013_open_sessions', '2026-11-30 21:58:23.609761+00');
INSERT INTO public.django_migrations VALUES (43, 'authz_app', '0014_results', '2026-11-30 21:58:23.697572+00');
INSERT INTO public.django_migrations VALUES (44, 'authz_app', '0015_plain_event_indexes', '2026-11-30 21:58:23.773698+00');
INSERT INTO public.django_migrations VALUES (45, 'sessions', '0001_initial', '2026-11-30 21:58:23.849677+00');
INSERT INTO public.django_migrations VALUES (46, 'tools_app', '0001_tool_catalogue', '2026-11-30 21:58:23.917749+00');
INSERT INTO public.django_migrations VALUES (47, 'tools_app', '0002_sessions_and_presence', '2026-11-30 21:58:23.962604+00');
INSERT INTO public.django_migrations VALUES (48, 'tools_app', '0003_kinds', '2026-11-30 21:58:24.013553+00');
INSERT INTO public.django_migrations VALUES (49, 'tools_app', '0004_roles', '2026-11-30 21:58:24.264912+00');
INSERT INTO public.django_migrations VALUES (50, 'tools_app', '0005_recording', '2026-11-30 21:58:24.791075+00');
INSERT INTO public.django_migrations VALUES (51, 'tools_app', '0006_readers_of_events', '2026-11-30 21:58:24.897632+00');


--
-- Data for Name: django_session; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: tools_app_tool; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tools_app_tool VALUES (1, 'TimeTool', 'Tells the current date and time in a time zone, and so in any city or country.

input_timezone is an IANA time zone name such as Asia/Kolkata or America/New_York. For a city that has no zone of
its own, give the zone it lies in: Asia/Kolkata for Bengaluru, America/Los_Angeles for Seattle. Without it, the
time is in UTC.', 'tools_app.mcp_tools', true, false, '2026-11-30 21:58:25.428895+00', 'tool', '', '');
INSERT INTO public.tools_app_tool VALUES (2, 'weather_tool', 'Tells the current weather and temperature in a place.

location is a city, or a city and a country code, such as Bengaluru or Paris,FR.', 'tools_app.mcp_tools', true, false, '2026-11-30 21:58:25.446023+00', 'tool', '', '');


--
-- Data for Name: tools_app_workerpresence; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Name: account_emailaddress_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_emailaddress_id_seq', 1, false);


--
-- Name: account_emailconfirmation_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_emailconfirmation_id_seq', 1, false);


--
-- Name: allauth_idp_oidc_token_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.allauth_idp_oidc_token_id_seq', 1, false);


--
-- Name: auth_group_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_group_id_seq', 3, true);


--
-- Name: auth_group_permissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_group_permissions_id_seq', 29, true);


--
-- Name: auth_permission_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_permission_id_seq', 80, true);


--
-- Name: authz_app_auditlines_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_auditlines_id_seq', 1, false);


--
-- Name: authz_app_client_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_client_id_seq', 1, true);


--
-- Name: authz_app_limitcount_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_limitcount_id_seq', 4, true);


--
-- Name: authz_app_policychange_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_policychange_id_seq', 5, true);


--
-- Name: authz_app_policyedit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_policyedit_id_seq', 6, true);


--
-- Name: authz_app_policyrevision_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_policyrevision_id_seq', 8, true);


--
-- Name: authz_app_policystate_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_policystate_id_seq', 1, false);


--
-- Name: authz_app_rule_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_rule_id_seq', 3, true);


--
-- Name: authz_app_ruleclient_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_ruleclient_id_seq', 2, true);


--
-- Name: authz_app_user_groups_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_user_groups_id_seq', 1, false);


--
-- Name: authz_app_user_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_user_id_seq', 1, true);


--
-- Name: authz_app_user_user_permissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.authz_app_user_user_permissions_id_seq', 1, false);


--
-- Name: django_admin_log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_admin_log_id_seq', 1, false);


--
-- Name: django_content_type_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_content_type_id_seq', 27, true);


--
-- Name: django_migrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_migrations_id_seq', 51, true);


--
-- Name: tools_app_tool_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.tools_app_tool_id_seq', 2, true);


--
-- Name: account_emailaddress account_emailaddress_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_pkey PRIMARY KEY (id);


--
-- Name: account_emailaddress account_emailaddress_user_id_email_987c8728_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_email_987c8728_uniq UNIQUE (user_id, email);


--
-- Name: account_emailconfirmation account_emailconfirmation_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_key_key UNIQUE (key);


--
-- Name: account_emailconfirmation account_emailconfirmation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_pkey PRIMARY KEY (id);


--
-- Name: allauth_idp_oidc_client allauth_idp_oidc_client_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_client
    ADD CONSTRAINT allauth_idp_oidc_client_pkey PRIMARY KEY (id);


--
-- Name: allauth_idp_oidc_token allauth_idp_oidc_token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_token
    ADD CONSTRAINT allauth_idp_oidc_token_pkey PRIMARY KEY (id);


--
-- Name: allauth_idp_oidc_token allauth_idp_oidc_token_type_hash_cca00f1c_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_token
    ADD CONSTRAINT allauth_idp_oidc_token_type_hash_cca00f1c_uniq UNIQUE (type, hash);


--
-- Name: auth_group auth_group_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);


--
-- Name: auth_group_permissions auth_group_permissions_group_id_permission_id_0cd325b0_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);


--
-- Name: auth_group_permissions auth_group_permissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);


--
-- Name: auth_group auth_group_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);


--
-- Name: auth_permission auth_permission_content_type_id_codename_01ab375a_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);


--
-- Name: auth_permission auth_permission_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);


--
-- Name: authz_app_auditevent authz_app_auditevent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_auditevent
    ADD CONSTRAINT authz_app_auditevent_pkey PRIMARY KEY (id);


--
-- Name: authz_app_auditkey authz_app_auditkey_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_auditkey
    ADD CONSTRAINT authz_app_auditkey_pkey PRIMARY KEY (id);


--
-- Name: authz_app_auditlines authz_app_auditlines_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_auditlines
    ADD CONSTRAINT authz_app_auditlines_pkey PRIMARY KEY (id);


--
-- Name: authz_app_auditseal authz_app_auditseal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_auditseal
    ADD CONSTRAINT authz_app_auditseal_pkey PRIMARY KEY (number);


--
-- Name: authz_app_callrecord authz_app_callrecord_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_callrecord
    ADD CONSTRAINT authz_app_callrecord_pkey PRIMARY KEY (id);


--
-- Name: authz_app_client authz_app_client_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_client
    ADD CONSTRAINT authz_app_client_pkey PRIMARY KEY (id);


--
-- Name: authz_app_limitcount authz_app_limitcount_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_limitcount
    ADD CONSTRAINT authz_app_limitcount_pkey PRIMARY KEY (id);


--
-- Name: authz_app_opensession authz_app_opensession_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_opensession
    ADD CONSTRAINT authz_app_opensession_pkey PRIMARY KEY (mcp_session);


--
-- Name: authz_app_policychange authz_app_policychange_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_policychange
    ADD CONSTRAINT authz_app_policychange_pkey PRIMARY KEY (id);


--
-- Name: authz_app_policyedit authz_app_policyedit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_policyedit
    ADD CONSTRAINT authz_app_policyedit_pkey PRIMARY KEY (id);


--
-- Name: authz_app_policyrevision authz_app_policyrevision_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_policyrevision
    ADD CONSTRAINT authz_app_policyrevision_pkey PRIMARY KEY (id);


--
-- Name: authz_app_policystate authz_app_policystate_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_policystate
    ADD CONSTRAINT authz_app_policystate_pkey PRIMARY KEY (id);


--
-- Name: authz_app_rule authz_app_rule_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_rule
    ADD CONSTRAINT authz_app_rule_pkey PRIMARY KEY (id);


--
-- Name: authz_app_ruleclient authz_app_ruleclient_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_ruleclient
    ADD CONSTRAINT authz_app_ruleclient_pkey PRIMARY KEY (id);


--
-- Name: authz_app_user_groups authz_app_user_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_groups
    ADD CONSTRAINT authz_app_user_groups_pkey PRIMARY KEY (id);


--
-- Name: authz_app_user_groups authz_app_user_groups_user_id_group_id_4b49b384_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_groups
    ADD CONSTRAINT authz_app_user_groups_user_id_group_id_4b49b384_uniq UNIQUE (user_id, group_id);


--
-- Name: authz_app_user authz_app_user_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user
    ADD CONSTRAINT authz_app_user_pkey PRIMARY KEY (id);


--
-- Name: authz_app_user_user_permissions authz_app_user_user_perm_user_id_permission_id_02cd585a_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_user_permissions
    ADD CONSTRAINT authz_app_user_user_perm_user_id_permission_id_02cd585a_uniq UNIQUE (user_id, permission_id);


--
-- Name: authz_app_user_user_permissions authz_app_user_user_permissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_user_permissions
    ADD CONSTRAINT authz_app_user_user_permissions_pkey PRIMARY KEY (id);


--
-- Name: authz_app_user authz_app_user_username_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user
    ADD CONSTRAINT authz_app_user_username_key UNIQUE (username);


--
-- Name: authz_app_client client_issuer_subject; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_client
    ADD CONSTRAINT client_issuer_subject UNIQUE (issuer, subject);


--
-- Name: django_admin_log django_admin_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);


--
-- Name: django_content_type django_content_type_app_label_model_76bd3d3b_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);


--
-- Name: django_content_type django_content_type_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);


--
-- Name: django_migrations django_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);


--
-- Name: django_session django_session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);


--
-- Name: authz_app_limitcount limit_count; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_limitcount
    ADD CONSTRAINT limit_count UNIQUE (rule_id, client_id);


--
-- Name: authz_app_ruleclient rule_client; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_ruleclient
    ADD CONSTRAINT rule_client UNIQUE (rule_id, client_id);


--
-- Name: tools_app_tool tool_kind_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tools_app_tool
    ADD CONSTRAINT tool_kind_name UNIQUE (kind, name);


--
-- Name: tools_app_tool tools_app_tool_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tools_app_tool
    ADD CONSTRAINT tools_app_tool_pkey PRIMARY KEY (id);


--
-- Name: tools_app_workerpresence tools_app_workerpresence_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tools_app_workerpresence
    ADD CONSTRAINT tools_app_workerpresence_pkey PRIMARY KEY (name);


--
-- Name: account_emailaddress_email_03be32b2; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_emailaddress_email_03be32b2 ON public.account_emailaddress USING btree (email);


--
-- Name: account_emailaddress_email_03be32b2_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_emailaddress_email_03be32b2_like ON public.account_emailaddress USING btree (email varchar_pattern_ops);


--
-- Name: account_emailaddress_user_id_2c513194; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_emailaddress_user_id_2c513194 ON public.account_emailaddress USING btree (user_id);


--
-- Name: account_emailconfirmation_email_address_id_5b7f8c58; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_emailconfirmation_email_address_id_5b7f8c58 ON public.account_emailconfirmation USING btree (email_address_id);


--
-- Name: account_emailconfirmation_key_f43612bd_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_emailconfirmation_key_f43612bd_like ON public.account_emailconfirmation USING btree (key varchar_pattern_ops);


--
-- Name: allauth_idp_oidc_client_id_973c9a60_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_client_id_973c9a60_like ON public.allauth_idp_oidc_client USING btree (id varchar_pattern_ops);


--
-- Name: allauth_idp_oidc_client_owner_id_1f1eb0f1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_client_owner_id_1f1eb0f1 ON public.allauth_idp_oidc_client USING btree (owner_id);


--
-- Name: allauth_idp_oidc_token_client_id_cad2cd57; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_token_client_id_cad2cd57 ON public.allauth_idp_oidc_token USING btree (client_id);


--
-- Name: allauth_idp_oidc_token_client_id_cad2cd57_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_token_client_id_cad2cd57_like ON public.allauth_idp_oidc_token USING btree (client_id varchar_pattern_ops);


--
-- Name: allauth_idp_oidc_token_expires_at_f6e6261a; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_token_expires_at_f6e6261a ON public.allauth_idp_oidc_token USING btree (expires_at);


--
-- Name: allauth_idp_oidc_token_user_id_3e9a005f; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX allauth_idp_oidc_token_user_id_3e9a005f ON public.allauth_idp_oidc_token USING btree (user_id);


--
-- Name: auth_group_name_a6ea08ec_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);


--
-- Name: auth_group_permissions_group_id_b120cbf9; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);


--
-- Name: auth_group_permissions_permission_id_84c5c92e; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);


--
-- Name: auth_permission_content_type_id_2f476e4b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);


--
-- Name: authz_app_auditkey_id_055d5aa9_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_auditkey_id_055d5aa9_like ON public.authz_app_auditkey USING btree (id varchar_pattern_ops);


--
-- Name: authz_app_opensession_mcp_session_d1c52036_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_opensession_mcp_session_d1c52036_like ON public.authz_app_opensession USING btree (mcp_session varchar_pattern_ops);


--
-- Name: authz_app_policychange_version_ed6d7722; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_policychange_version_ed6d7722 ON public.authz_app_policychange USING btree (version);


--
-- Name: authz_app_ruleclient_client_id_b506e88e; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_ruleclient_client_id_b506e88e ON public.authz_app_ruleclient USING btree (client_id);


--
-- Name: authz_app_ruleclient_rule_id_16c33cb1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_ruleclient_rule_id_16c33cb1 ON public.authz_app_ruleclient USING btree (rule_id);


--
-- Name: authz_app_user_groups_group_id_cd137d45; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_user_groups_group_id_cd137d45 ON public.authz_app_user_groups USING btree (group_id);


--
-- Name: authz_app_user_groups_user_id_d9aef0a8; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_user_groups_user_id_d9aef0a8 ON public.authz_app_user_groups USING btree (user_id);


--
-- Name: authz_app_user_user_permissions_permission_id_b8e5065a; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_user_user_permissions_permission_id_b8e5065a ON public.authz_app_user_user_permissions USING btree (permission_id);


--
-- Name: authz_app_user_user_permissions_user_id_33a36f49; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_user_user_permissions_user_id_33a36f49 ON public.authz_app_user_user_permissions USING btree (user_id);


--
-- Name: authz_app_user_username_0df4025f_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authz_app_user_username_0df4025f_like ON public.authz_app_user USING btree (username varchar_pattern_ops);


--
-- Name: django_admin_log_content_type_id_c4bce8eb; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON public.django_admin_log USING btree (content_type_id);


--
-- Name: django_admin_log_user_id_c564eba6; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_admin_log_user_id_c564eba6 ON public.django_admin_log USING btree (user_id);


--
-- Name: django_session_expire_date_a5c62663; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);


--
-- Name: django_session_session_key_c0390e0f_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);


--
-- Name: edit_actor; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX edit_actor ON public.authz_app_policyedit USING btree (actor, version, id);


--
-- Name: edit_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX edit_at ON public.authz_app_policyedit USING btree (at);


--
-- Name: edit_moved; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX edit_moved ON public.authz_app_policyedit USING btree (version, id) WHERE moved;


--
-- Name: edit_version; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX edit_version ON public.authz_app_policyedit USING btree (version, id);


--
-- Name: event_actor; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_actor ON public.authz_app_auditevent USING btree (actor, id);


--
-- Name: event_client; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_client ON public.authz_app_auditevent USING btree (client_id, id);


--
-- Name: event_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_kind ON public.authz_app_auditevent USING btree (kind, id);


--
-- Name: event_seal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_seal ON public.authz_app_auditevent USING btree (seal, id);


--
-- Name: event_session; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX event_session ON public.authz_app_auditevent USING btree (mcp_session, id);


--
-- Name: record_address; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_address ON public.authz_app_callrecord USING btree (address, id);


--
-- Name: record_client; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_client ON public.authz_app_callrecord USING btree (client_id, id);


--
-- Name: record_denied; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_denied ON public.authz_app_callrecord USING btree (decision, id) WHERE ((decision)::text = 'denied'::text);


--
-- Name: record_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_kind ON public.authz_app_callrecord USING btree (kind, id) WHERE (NOT ((kind)::text = 'tool'::text));


--
-- Name: record_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_open ON public.authz_app_callrecord USING btree (deadline) WHERE ((deadline IS NOT NULL) AND ((outcome)::text = ''::text));


--
-- Name: record_outcome; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_outcome ON public.authz_app_callrecord USING btree (outcome, id) WHERE (((outcome)::text > ''::text) AND (NOT ((outcome)::text = 'ok'::text)));


--
-- Name: record_reason; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_reason ON public.authz_app_callrecord USING btree (reason, id) WHERE ((decision)::text = 'denied'::text);


--
-- Name: record_seal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_seal ON public.authz_app_callrecord USING btree (seal, id);


--
-- Name: record_session; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_session ON public.authz_app_callrecord USING btree (mcp_session, id);


--
-- Name: record_tool; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX record_tool ON public.authz_app_callrecord USING btree (tool, id);


--
-- Name: revision_client; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX revision_client ON public.authz_app_policyrevision USING btree (client_id, edit_id) WHERE (client_id IS NOT NULL);


--
-- Name: revision_edit; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX revision_edit ON public.authz_app_policyrevision USING btree (edit_id, entity, entity_id);


--
-- Name: revision_entity; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX revision_entity ON public.authz_app_policyrevision USING btree (entity, entity_id, edit_id);


--
-- Name: revision_part; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX revision_part ON public.authz_app_policyrevision USING btree (part, part_id, id, edit_id);


--
-- Name: rule_stop; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX rule_stop ON public.authz_app_rule USING btree (id) WHERE ((stopped_by)::text > ''::text);


--
-- Name: tools_app_workerpresence_name_bdc98cb2_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tools_app_workerpresence_name_bdc98cb2_like ON public.tools_app_workerpresence USING btree (name varchar_pattern_ops);


--
-- Name: unique_primary_email; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX unique_primary_email ON public.account_emailaddress USING btree (user_id, "primary") WHERE "primary";


--
-- Name: unique_verified_email; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX unique_verified_email ON public.account_emailaddress USING btree (email) WHERE verified;


--
-- Name: authz_app_auditevent evidence_event_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_event_delete BEFORE DELETE ON public.authz_app_auditevent FOR EACH ROW EXECUTE FUNCTION public.evidence_unless_pruned();


--
-- Name: authz_app_auditevent evidence_event_insert; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_event_insert BEFORE INSERT ON public.authz_app_auditevent FOR EACH ROW WHEN ((new.seal IS NOT NULL)) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditevent evidence_event_seal_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_event_seal_update BEFORE UPDATE OF seal ON public.authz_app_auditevent FOR EACH ROW WHEN ((NOT ((old.seal IS NULL) AND (new.seal IS NOT NULL)))) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditevent evidence_event_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_event_truncate BEFORE TRUNCATE ON public.authz_app_auditevent FOR EACH STATEMENT EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditevent evidence_event_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_event_update BEFORE UPDATE OF id, at, kind, actor, client_id, client_name, issuer, subject, oauth_client_id, mcp_session, address, worker, count, details ON public.authz_app_auditevent FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditkey evidence_key_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_key_delete BEFORE DELETE ON public.authz_app_auditkey FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditkey evidence_key_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_key_truncate BEFORE TRUNCATE ON public.authz_app_auditkey FOR EACH STATEMENT EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditkey evidence_key_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_key_update BEFORE UPDATE ON public.authz_app_auditkey FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_delete BEFORE DELETE ON public.authz_app_callrecord FOR EACH ROW EXECUTE FUNCTION public.evidence_unless_pruned();


--
-- Name: authz_app_callrecord evidence_record_delivery_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_delivery_update BEFORE UPDATE OF undelivered ON public.authz_app_callrecord FOR EACH ROW WHEN (((old.seal IS NOT NULL) OR (NOT new.undelivered))) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_insert; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_insert BEFORE INSERT ON public.authz_app_callrecord FOR EACH ROW WHEN ((new.seal IS NOT NULL)) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_opening_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_opening_update BEFORE UPDATE OF id, at, kind, tool, arguments, decision, reason, rules, policy_version, client_id, client_name, issuer, subject, oauth_client_id, token_scopes, client_software, mcp_session, transport, protocol_version, address, worker, deadline, claims ON public.authz_app_callrecord FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_outcome_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_outcome_update BEFORE UPDATE OF outcome, duration_ms, result_size, error, result ON public.authz_app_callrecord FOR EACH ROW WHEN ((((old.decision)::text = 'denied'::text) OR ((old.outcome)::text <> ''::text) OR (old.seal IS NOT NULL))) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_seal_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_seal_update BEFORE UPDATE OF seal ON public.authz_app_callrecord FOR EACH ROW WHEN ((NOT ((old.seal IS NULL) AND (new.seal IS NOT NULL) AND (((old.decision)::text = 'denied'::text) OR ((old.outcome)::text <> ''::text))))) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_callrecord evidence_record_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_record_truncate BEFORE TRUNCATE ON public.authz_app_callrecord FOR EACH STATEMENT EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditseal evidence_seal_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_seal_delete BEFORE DELETE ON public.authz_app_auditseal FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditseal evidence_seal_pruned_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_seal_pruned_update BEFORE UPDATE OF members, pruned, pruned_signature ON public.authz_app_auditseal FOR EACH ROW WHEN ((NOT ((old.pruned = ''::text) AND (new.pruned <> ''::text) AND ((new.pruned_signature)::text <> ''::text) AND (length(new.members) = 0)))) EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditseal evidence_seal_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_seal_truncate BEFORE TRUNCATE ON public.authz_app_auditseal FOR EACH STATEMENT EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_auditseal evidence_seal_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER evidence_seal_update BEFORE UPDATE OF number, at, count, statement, signature ON public.authz_app_auditseal FOR EACH ROW EXECUTE FUNCTION public.evidence_refuse();


--
-- Name: authz_app_policyedit policy_history_authz_app_policyedit_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyedit_delete BEFORE DELETE ON public.authz_app_policyedit FOR EACH ROW EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_policyedit policy_history_authz_app_policyedit_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyedit_truncate BEFORE TRUNCATE ON public.authz_app_policyedit FOR EACH STATEMENT EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_policyedit policy_history_authz_app_policyedit_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyedit_update BEFORE UPDATE ON public.authz_app_policyedit FOR EACH ROW WHEN ((NOT (old.version IS NULL))) EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_policyrevision policy_history_authz_app_policyrevision_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyrevision_delete BEFORE DELETE ON public.authz_app_policyrevision FOR EACH ROW EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_policyrevision policy_history_authz_app_policyrevision_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyrevision_truncate BEFORE TRUNCATE ON public.authz_app_policyrevision FOR EACH STATEMENT EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_policyrevision policy_history_authz_app_policyrevision_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_history_authz_app_policyrevision_update BEFORE UPDATE ON public.authz_app_policyrevision FOR EACH ROW WHEN (true) EXECUTE FUNCTION public.policy_history_refuse();


--
-- Name: authz_app_client policy_version_authz_app_client_row; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_client_row AFTER INSERT OR DELETE OR UPDATE ON public.authz_app_client FOR EACH ROW EXECUTE FUNCTION public.policy_version_authz_app_client();


--
-- Name: authz_app_client policy_version_authz_app_client_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_client_truncate AFTER TRUNCATE ON public.authz_app_client FOR EACH STATEMENT EXECUTE FUNCTION public.policy_version_authz_app_client();


--
-- Name: authz_app_rule policy_version_authz_app_rule_row; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_rule_row AFTER INSERT OR DELETE OR UPDATE ON public.authz_app_rule FOR EACH ROW EXECUTE FUNCTION public.policy_version_authz_app_rule();


--
-- Name: authz_app_rule policy_version_authz_app_rule_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_rule_truncate AFTER TRUNCATE ON public.authz_app_rule FOR EACH STATEMENT EXECUTE FUNCTION public.policy_version_authz_app_rule();


--
-- Name: authz_app_ruleclient policy_version_authz_app_ruleclient_row; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_ruleclient_row AFTER INSERT OR DELETE OR UPDATE ON public.authz_app_ruleclient FOR EACH ROW EXECUTE FUNCTION public.policy_version_authz_app_ruleclient();


--
-- Name: authz_app_ruleclient policy_version_authz_app_ruleclient_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_authz_app_ruleclient_truncate AFTER TRUNCATE ON public.authz_app_ruleclient FOR EACH STATEMENT EXECUTE FUNCTION public.policy_version_authz_app_ruleclient();


--
-- Name: authz_app_policyedit policy_version_deferred; Type: TRIGGER; Schema: public; Owner: -
--

CREATE CONSTRAINT TRIGGER policy_version_deferred AFTER INSERT ON public.authz_app_policyedit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.policy_version_move();


--
-- Name: tools_app_tool policy_version_tools_app_tool_row; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_tools_app_tool_row AFTER INSERT OR DELETE OR UPDATE ON public.tools_app_tool FOR EACH ROW EXECUTE FUNCTION public.policy_version_tools_app_tool();


--
-- Name: tools_app_tool policy_version_tools_app_tool_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policy_version_tools_app_tool_truncate AFTER TRUNCATE ON public.tools_app_tool FOR EACH STATEMENT EXECUTE FUNCTION public.policy_version_tools_app_tool();


--
-- Name: account_emailaddress account_emailaddress_user_id_2c513194_fk_authz_app_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_2c513194_fk_authz_app_user_id FOREIGN KEY (user_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: account_emailconfirmation account_emailconfirm_email_address_id_5b7f8c58_fk_account_e; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirm_email_address_id_5b7f8c58_fk_account_e FOREIGN KEY (email_address_id) REFERENCES public.account_emailaddress(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: allauth_idp_oidc_client allauth_idp_oidc_client_owner_id_1f1eb0f1_fk_authz_app_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_client
    ADD CONSTRAINT allauth_idp_oidc_client_owner_id_1f1eb0f1_fk_authz_app_user_id FOREIGN KEY (owner_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: allauth_idp_oidc_token allauth_idp_oidc_tok_client_id_cad2cd57_fk_allauth_i; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_token
    ADD CONSTRAINT allauth_idp_oidc_tok_client_id_cad2cd57_fk_allauth_i FOREIGN KEY (client_id) REFERENCES public.allauth_idp_oidc_client(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: allauth_idp_oidc_token allauth_idp_oidc_token_user_id_3e9a005f_fk_authz_app_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.allauth_idp_oidc_token
    ADD CONSTRAINT allauth_idp_oidc_token_user_id_3e9a005f_fk_authz_app_user_id FOREIGN KEY (user_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_group_permissions auth_group_permissio_permission_id_84c5c92e_fk_auth_perm; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_group_permissions auth_group_permissions_group_id_b120cbf9_fk_auth_group_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_permission auth_permission_content_type_id_2f476e4b_fk_django_co; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_ruleclient authz_app_ruleclient_client_id_b506e88e_fk_authz_app_client_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_ruleclient
    ADD CONSTRAINT authz_app_ruleclient_client_id_b506e88e_fk_authz_app_client_id FOREIGN KEY (client_id) REFERENCES public.authz_app_client(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_ruleclient authz_app_ruleclient_rule_id_16c33cb1_fk_authz_app_rule_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_ruleclient
    ADD CONSTRAINT authz_app_ruleclient_rule_id_16c33cb1_fk_authz_app_rule_id FOREIGN KEY (rule_id) REFERENCES public.authz_app_rule(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_user_groups authz_app_user_groups_group_id_cd137d45_fk_auth_group_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_groups
    ADD CONSTRAINT authz_app_user_groups_group_id_cd137d45_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_user_groups authz_app_user_groups_user_id_d9aef0a8_fk_authz_app_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_groups
    ADD CONSTRAINT authz_app_user_groups_user_id_d9aef0a8_fk_authz_app_user_id FOREIGN KEY (user_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_user_user_permissions authz_app_user_user__permission_id_b8e5065a_fk_auth_perm; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_user_permissions
    ADD CONSTRAINT authz_app_user_user__permission_id_b8e5065a_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: authz_app_user_user_permissions authz_app_user_user__user_id_33a36f49_fk_authz_app; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authz_app_user_user_permissions
    ADD CONSTRAINT authz_app_user_user__user_id_33a36f49_fk_authz_app FOREIGN KEY (user_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: django_admin_log django_admin_log_content_type_id_c4bce8eb_fk_django_co; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: django_admin_log django_admin_log_user_id_c564eba6_fk_authz_app_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_authz_app_user_id FOREIGN KEY (user_id) REFERENCES public.authz_app_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- PostgreSQL database dump complete
--


