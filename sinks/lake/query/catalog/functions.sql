-- PostgreSQL's catalog functions, as far as psql, drivers and BI tools call them. `catalog_` goes before each name, so
-- that none is mistaken for DuckDB's own of that name; statement.ts puts it there.

-- A macro's arguments are put in where its parameters stand, so no column that is in sight there may have a name that an
-- argument could have: the functions read these views.
CREATE VIEW catalog_names AS
  SELECT 'class' AS catalog_kind, oid AS catalog_oid, relname AS catalog_name, relnamespace AS catalog_schema
    FROM catalog_pg_class
  UNION ALL SELECT 'namespace', oid, nspname, oid FROM catalog_pg_namespace
  UNION ALL SELECT 'type', oid, formatted, 11 FROM catalog_type_names
  UNION ALL SELECT 'typname', oid, typname, 11 FROM catalog_type_names;
CREATE VIEW catalog_settings AS SELECT lower(name) AS catalog_name, setting AS catalog_setting FROM catalog_pg_settings;
CREATE MACRO catalog_name_of(wanted_kind, wanted_oid) AS
  (SELECT any_value(catalog_name) FROM catalog_names
    WHERE catalog_kind = wanted_kind AND catalog_oid = TRY_CAST(wanted_oid AS BIGINT));
CREATE MACRO catalog_oid_of(wanted_kind, wanted_name) AS
  coalesce(TRY_CAST(wanted_name AS BIGINT),
    (SELECT min(catalog_oid) FROM catalog_names WHERE catalog_kind = wanted_kind AND catalog_name = wanted_name));

-- Session and server.
CREATE MACRO catalog_version() AS 'PostgreSQL 15.0 (millrace)';
CREATE MACRO catalog_current_database() AS 'millrace';
CREATE MACRO catalog_current_catalog() AS 'millrace';
CREATE MACRO catalog_current_schema() AS 'public';
CREATE MACRO catalog_current_schemas(with_implicit) AS
  CASE WHEN with_implicit THEN ['pg_catalog', 'public'] ELSE ['public'] END;
CREATE MACRO catalog_current_setting(setting_name) AS
    (SELECT catalog_setting FROM catalog_settings WHERE catalog_name = lower(setting_name)),
  (setting_name, missing_ok) AS
    (SELECT catalog_setting FROM catalog_settings WHERE catalog_name = lower(setting_name));
CREATE MACRO catalog_set_config(setting_name, new_value, is_local) AS new_value;
CREATE MACRO catalog_getdatabaseencoding() AS 'UTF8';
CREATE MACRO catalog_pg_client_encoding() AS 'UTF8';
CREATE MACRO catalog_pg_encoding_to_char(encoding) AS 'UTF8';
CREATE MACRO catalog_pg_char_to_encoding(encoding) AS 6;
CREATE MACRO catalog_pg_is_in_recovery() AS false;
CREATE MACRO catalog_pg_my_temp_schema() AS 0;
CREATE MACRO catalog_pg_is_other_temp_schema(schema_oid) AS false;
CREATE MACRO catalog_txid_current() AS 0;
CREATE MACRO catalog_inet_server_addr() AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_inet_server_port() AS CAST(NULL AS INTEGER);
CREATE MACRO catalog_inet_client_addr() AS CAST(NULL AS VARCHAR);

-- Names and types.
CREATE MACRO catalog_format_type(type_oid, typmod) AS catalog_name_of('type', type_oid);
CREATE MACRO catalog_regclass(relation) AS coalesce(catalog_name_of('class', relation), CAST(relation AS VARCHAR));
CREATE MACRO catalog_regnamespace(schema_oid) AS
  coalesce(catalog_name_of('namespace', schema_oid), CAST(schema_oid AS VARCHAR));
CREATE MACRO catalog_to_regclass(relation) AS catalog_oid_of('class',
  replace(regexp_replace(CAST(relation AS VARCHAR), '^(public|pg_catalog|information_schema)\.', ''), '"', ''));
CREATE MACRO catalog_to_regtype(type_name) AS
  coalesce(catalog_oid_of('type', lower(type_name)), catalog_oid_of('typname', lower(type_name)));
CREATE MACRO catalog_to_regnamespace(schema_name) AS catalog_oid_of('namespace', schema_name);
CREATE MACRO catalog_quote_ident(identifier) AS
  CASE WHEN regexp_full_match(identifier, '[a-z_][a-z0-9_$]*') THEN identifier
    ELSE '"' || replace(identifier, '"', '""') || '"' END;
CREATE MACRO catalog_quote_literal(value) AS '''' || replace(CAST(value AS VARCHAR), '''', '''''') || '''';
CREATE MACRO catalog_array_upper(list, dimension) AS len(list);
CREATE MACRO catalog_array_lower(list, dimension) AS CASE WHEN len(list) > 0 THEN 1 END;
CREATE MACRO catalog__pg_expandarray(list) AS unnest(list_transform(list, lambda item, place: {'x': item, 'n': place}));

-- Who may see what: everyone may read, nobody may write.
CREATE MACRO catalog_pg_get_userbyid(role_oid) AS 'millrace';
CREATE MACRO catalog_may_read(privilege) AS regexp_full_match(upper(privilege), 'SELECT|USAGE|CONNECT|EXECUTE');
CREATE MACRO catalog_has_table_privilege(relation, privilege) AS catalog_may_read(privilege),
  (role, relation, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_has_any_column_privilege(relation, privilege) AS catalog_may_read(privilege),
  (role, relation, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_has_column_privilege(relation, column_name, privilege) AS catalog_may_read(privilege),
  (role, relation, column_name, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_has_schema_privilege(schema_name, privilege) AS catalog_may_read(privilege),
  (role, schema_name, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_has_database_privilege(database, privilege) AS catalog_may_read(privilege),
  (role, database, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_has_function_privilege(called, privilege) AS catalog_may_read(privilege),
  (role, called, privilege) AS catalog_may_read(privilege);
CREATE MACRO catalog_pg_has_role(role, privilege) AS true, (member, role, privilege) AS true;
CREATE MACRO catalog_pg_table_is_visible(relation_oid) AS
  (SELECT coalesce(bool_or(catalog_schema IN (11, 2200)), false) FROM catalog_names
    WHERE catalog_kind = 'class' AND catalog_oid = TRY_CAST(relation_oid AS BIGINT));
CREATE MACRO catalog_pg_type_is_visible(type_oid) AS true;
CREATE MACRO catalog_pg_function_is_visible(function_oid) AS true;
CREATE MACRO catalog_pg_operator_is_visible(operator_oid) AS true;
CREATE MACRO catalog_pg_collation_is_visible(collation_oid) AS true;
CREATE MACRO catalog_pg_relation_is_publishable(relation_oid) AS false;

-- What our tables do not have.
CREATE MACRO catalog_obj_description(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, catalog_name) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_col_description(relation_oid, place) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_shobj_description(object_oid, catalog_name) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_expr(tree, relation_oid) AS CAST(NULL AS VARCHAR),
  (tree, relation_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_constraintdef(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_indexdef(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, place, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_viewdef(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_ruledef(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_triggerdef(object_oid) AS CAST(NULL AS VARCHAR),
  (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_partkeydef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_functiondef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_function_result(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_function_arguments(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_function_identity_arguments(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_serial_sequence(relation, column_name) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_get_statisticsobjdef_columns(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO catalog_pg_tablespace_location(object_oid) AS '';
CREATE MACRO catalog_pg_table_size(relation) AS CAST(NULL AS BIGINT);
CREATE MACRO catalog_pg_relation_size(relation) AS CAST(NULL AS BIGINT);
CREATE MACRO catalog_pg_total_relation_size(relation) AS CAST(NULL AS BIGINT);
CREATE MACRO catalog_pg_indexes_size(relation) AS CAST(NULL AS BIGINT);
CREATE MACRO catalog_pg_database_size(database) AS CAST(NULL AS BIGINT);
CREATE MACRO catalog_pg_tablespace_size(tablespace) AS CAST(NULL AS BIGINT);
