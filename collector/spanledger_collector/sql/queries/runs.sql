-- runs: the newest runs.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name, agent_version, tenant (empty = any); entered_since (when the run entered the books, at
--   the earliest); by (total | agent
--   | version | tenant | model: runs of one group, as agent_statistics and economics_by have them; total = all), key (of the group, empty =
--   outside any agent, without a version, tenant or model); limit; offset (so many of the newest are left out).
-- grain: one row a run, newest first. columns: those of the view run_economics.
WITH
    @include arithmetic/main_models
SELECT *
FROM run_economics
WHERE workspace = {workspace:String}
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
    -- Which ones is asked of four columns, and all the others are read of these few.
    AND (started_at, trace_id, run_id) IN (
        SELECT
            started_at,
            trace_id,
            run_id
        FROM runs FINAL
        WHERE workspace = {workspace:String}
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
            AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
            AND ({agent_version:String} = '' OR agent_version = {agent_version:String})
            AND ({tenant:String} = '' OR tenant = {tenant:String})
            AND posted_at >= {entered_since:DateTime64(9)}
            AND ({by:String} != 'agent' OR agent_name = {key:String})
            AND ({by:String} != 'version' OR agent_version = {key:String})
            AND ({by:String} != 'tenant' OR tenant = {key:String})
            AND (
                {by:String} != 'model'
                OR ({key:String} != '') = ((trace_id, run_id) IN (
                    SELECT trace_id, run_id
                    FROM main_models
                    WHERE if({key:String} = '', main_model != '', main_model = {key:String})
                ))
            )
        ORDER BY
            started_at DESC,
            trace_id,
            run_id
        LIMIT {limit:UInt32} OFFSET {offset:UInt32}
    )
ORDER BY
    started_at DESC,
    trace_id,
    run_id;
