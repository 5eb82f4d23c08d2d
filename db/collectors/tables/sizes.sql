-- pg_database_size reads the file system, not the relations, so it waits for no lock.
select
  pg_database_size(current_database())::float8 as database_bytes,
  (
    select coalesce(sum(c.relpages), 0)::float8 * current_setting('block_size')::float8
    from pg_class as c
    where c.relnamespace = to_regnamespace('market')
  ) as market_bytes
