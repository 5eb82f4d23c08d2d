#!/bin/sh
# Runs once, when the volume is empty: the role of docs/deployment.md, without superuser's rights.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$HOLDFAST_PASSWORD" --username postgres <<'SQL'
create role holdfast login replication in role pg_monitor password :'password' connection limit 60;
create database trading owner holdfast;
\connect trading
create extension pg_stat_statements;
SQL
# Base backups: the role may replicate from the network of these containers, with its password.
echo 'host replication holdfast samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
