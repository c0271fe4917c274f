"""Final records by the million that are in no seal yet, made by the database itself. Both take how many."""

_TEXTS = (
    "kind, tool, arguments, decision, reason, rules, claims, client_name, issuer, subject, oauth_client_id,"
    " token_scopes, client_software, mcp_session, transport, protocol_version, address, worker, outcome, error"
)
_VALUES = (
    "'tool', 'TimeTool', '{\"input_timezone\":\"Europe/Berlin\"}', 'allowed', 'allowed',"
    " '[{\"id\":1,\"sentence\":\"Allow it.\"}]', '', 'Report agent', 'https://issuer.example/', 'agent', 'app', 'time',"
    " 'report-agent 1', '9f2c', 'sse', '2025-11-25', '203.0.113.7', 'worker-1', 'ok', ''"
)
_NUMBERS = "policy_version, client_id, duration_ms, result_size, undelivered"
_INTO = f"INSERT INTO authz_app_callrecord (id, at, deadline, {_TEXTS}, {_NUMBERS}) SELECT"
ON_SQLITE = f"""
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
    {_INTO} printf('01990000%04x7%03x8%015x', i / 4096, i % 4096, i), '2026-01-01 00:00:00.000001',
        '2026-01-01 00:00:30', {_VALUES}, 7, 1, i / 8.0, 214, 0 FROM n
"""
ON_POSTGRESQL = f"""
    {_INTO} ('01990000' || lpad(to_hex(i / 4096), 4, '0') || '7' || lpad(to_hex(i %% 4096), 3, '0') || '8'
        || lpad(to_hex(i), 15, '0'))::uuid, '2026-01-01 00:00:00.000001Z', '2026-01-01 00:00:30Z', {_VALUES},
        7, 1, i / 8.0, 214, false FROM generate_series(0, %s - 1) AS i
"""
