-- The newest candles are updated with each batch of ticks: a few rows, thousands of times a minute. With the usual
-- thresholds autovacuum comes each minute and is always late; a few thousand changes more cost nothing here.
alter table market.candles_1m set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 10000
);
