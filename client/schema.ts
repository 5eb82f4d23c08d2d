// Generated from openapi.yaml by `deno task openapi`; do not edit.
export interface paths {
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Overall status with the checks behind it
         * @description With Accept: application/health+json, the answer has the form of the IETF health draft. Open to anyone.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Liveness of this process; does not read the database
         * @description Open to anyone.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether requests that need the database can be served
         * @description Open to anyone.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/database": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics of the database, with alerts and advice
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getDatabaseHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/feeds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ticks received, stored and quarantined by feed
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getFeedHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Effect of each optimisation on this server, as last measured
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getPerformanceHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/partitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tables partitioned by range, their partitions and their runway
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getPartitionHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ticks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List ticks of one instrument in order of time and arrival
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listTicks"];
        put?: never;
        /**
         * Store ticks; answers after commit
         * @description Refused rows go to the quarantine. A body without a well-formed row is refused entirely. Lines (in a JSON array: elements) are counted from 1. The parameters from `columns` on describe bodies in other layouts. Needs the scope `ingest` where tokens are required.
         */
        post: operations["storeTicks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/candles/rebuild": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rebuild candles from the stored ticks
         * @description Corrects candles after SQL from outside Holdfast changed market.ticks. Each day is one transaction. Minutes without a partition keep their candles. Needs the scope `operate` where tokens are required.
         */
        post: operations["rebuildCandles"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/candles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Candles of one instrument
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listCandles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The instances on this database
         * @description The instance that answers comes first, then all others seen within a day. Needs the scope `read` where tokens are required.
         */
        get: operations["listInstances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/databases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the databases that this Holdfast manages, those with problems first
         * @description Without HOLDFAST_DATABASES there is one, `default`. Every path of one database is also at `/api/databases/{name}/…`: `/api/databases/default/health` answers as `/api/health` does. Needs the scope `read` where tokens are required.
         */
        get: operations["listDatabases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/instruments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List instruments; deleted ones only if requested
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listInstruments"];
        put?: never;
        /**
         * Create an instrument
         * @description Needs the scope `ingest` where tokens are required.
         */
        post: operations["createInstrument"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/instruments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One instrument
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getInstrument"];
        put?: never;
        post?: never;
        /**
         * Soft-delete an instrument, or purge it
         * @description Needs the scope `admin` where tokens are required.
         */
        delete: operations["deleteInstrument"];
        options?: never;
        head?: never;
        /**
         * Change an instrument
         * @description Needs the scope `operate` where tokens are required.
         */
        patch: operations["updateInstrument"];
        trace?: never;
    };
    "/api/instruments/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore a soft-deleted instrument
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["restoreInstrument"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/exactness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How exactly float8 stores an instrument's prices
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getExactness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Rows that were not stored, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listQuarantine"];
        put?: never;
        post?: never;
        /**
         * Delete quarantined rows
         * @description Needs the scope `admin` where tokens are required.
         */
        delete: operations["purgeQuarantine"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry many rows, oldest first; rows refused again stay
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["retryQuarantine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry a quarantined row, or store the corrected tick in its place
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["retryQuarantinedRow"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete a quarantined row
         * @description Needs the scope `admin` where tokens are required.
         */
        delete: operations["discardQuarantinedRow"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Managed tables with their partitions, as last read
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listPartitionedTables"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Policies: how the partitions of each managed table are created and retired
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listPartitionPolicies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/policies/{table}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One table's policy
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getPartitionPolicy"];
        /**
         * Set a table's policy; omitted fields get their defaults
         * @description Needs the scope `admin` where tokens are required.
         */
        put: operations["setPartitionPolicy"];
        post?: never;
        /**
         * Stop managing a table; its partitions are unchanged
         * @description Needs the scope `admin` where tokens are required.
         */
        delete: operations["deletePartitionPolicy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Every statement that is due, with its lock and its reason; changes nothing
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["planPartitions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Carry out a plan; 409 if the present plan has another digest
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["applyPartitionPlan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was done to partitions, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listPartitionLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/conversions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Conversions and drains with their progress, running ones first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listConversions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/conversions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One conversion or drain: its progress or its outcome
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getConversion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/convert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn a plain table into a partitioned one while it is in use: plan, start, undo, finish, cancel
         * @description Needs the scope `admin` where tokens are required.
         */
        post: operations["convertTable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The verification that runs, or the last one
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getPartitionVerification"];
        put?: never;
        /**
         * Hash sealed partitions again and report each that differs from what was sealed
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["startPartitionVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/manifest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The manifest of a sealed partition: its content when it was sealed
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getPartitionManifest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/unseal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Allow writes to a sealed partition again; its manifest is no longer valid
         * @description Needs the scope `admin` where tokens are required.
         */
        post: operations["unsealPartition"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/archives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Partitions that were archived and read back, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listArchives"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/partitions/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore an archived partition and attach it, in one transaction
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["restoreArchive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Alerts, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listAlerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The rules in force
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listAlertRules"];
        /**
         * Change levels of rules, all or none; omitted levels stay unchanged
         * @description Needs the scope `admin` where tokens are required.
         */
        put: operations["changeAlertRules"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledge an alert, which ends its reminders
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["acknowledgeAlert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/silences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Silences that apply now or later, and those that ended within a day
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listSilences"];
        put?: never;
        /**
         * Suppress notifications for a time, from now or later; alerts still fire and are shown
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["createSilence"];
        /**
         * End a silence now
         * @description Needs the scope `operate` where tokens are required.
         */
        delete: operations["endSilence"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The channels that alerts go to, as HOLDFAST_CHANNELS sets them
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listChannels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/channels/{name}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a sample alert once, now, and return the outcome
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["testChannel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Deliveries to channels, newest first; `dead` failed permanently
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/deliveries/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Queue a permanently failed delivery again
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["retryDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/rehearse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Evaluate a rule, with its own or other levels, over stored history
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["rehearseAlertRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One alert, with why it fires and what to do
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getAlert"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/locks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sessions that block others, as trees from the root blockers
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listLocks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sessions of the server at this moment, active ones first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/locks/{pid}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel the statement of a session
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["cancelStatement"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/locks/{pid}/terminate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Terminate a session; its transaction is rolled back
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["terminateSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Most expensive statements
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listQueries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/indexes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All indexes with their problems, and missing ones
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listIndexes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/database/statements/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One statement: what it did of late and in all, and how it has become slower
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getStatement"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/database/statements/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What one statement did over time
         * @description Each minute, the 30 statements that took the longest are kept, and up to 10 that have become slower; of each quarter of an hour and day, 60. A statement without points was none of them. Minutes, quarters of an hour and days are kept as long as those of metrics. Needs the scope `read` where tokens are required.
         */
        get: operations["getStatementHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/database/statements/{id}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The generic plan of one statement, as a tree
         * @description The statement is planned with parameters in place of its constants, with the rights and the settings of the role that ran it, in a read-only transaction that is rolled back. It is not executed. Postgres 14 and 15 plan it as a prepared statement, later versions with EXPLAIN (GENERIC_PLAN). A plan is kept for 30 s; one is made at a time. Needs the scope `read` where tokens are required.
         */
        get: operations["getStatementPlan"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Changes of the server: settings, DDL, indexes, plans, restarts, marks; newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/marks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Record a mark, such as a deployment, to show beside alerts and slower statements
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["createMark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Recordings around critical alerts, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listIncidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One incident as one JSON document
         * @description The incident covers ten minutes before the alert to three minutes after it. Literals are removed from statements. Needs the scope `read` where tokens are required.
         */
        get: operations["getIncident"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Present values of all metrics
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/moves": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics that changed in a window, compared with an equally long time before it
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listMoves"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The history of one metric
         * @description History is kept across restarts: hours as measured, days by the minute, a month by 15 minutes, years by the day. Unknown values leave a gap. Needs the scope `read` where tokens are required.
         */
        get: operations["getMetric"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All metrics in the format of Prometheus, or of OpenMetrics on request
         * @description With several databases, one scrape has the metrics of all, with the label `database`; those of the process have none. Needs the scope `read` where tokens are required.
         */
        get: operations["getExposition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/backups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List backups, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listBackups"];
        put?: never;
        /**
         * Take a backup now; progress is published as backup_status
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["startBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/backups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get one backup
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getBackup"];
        put?: never;
        post?: never;
        /**
         * Abort a running backup, or remove a finished one
         * @description Needs the scope `admin` where tokens are required.
         */
        delete: operations["deleteBackup"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/backups/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check a backup's files and its copy, and restore it into a scratch server
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["verifyBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List benchmark cases
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listBenchmarkCases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List runs, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listBenchmarkRuns"];
        put?: never;
        /**
         * Start a run; its progress and results are sent as performance_benchmark
         * @description Needs the scope `operate` where tokens are required.
         */
        post: operations["startBenchmarkRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One run with its results
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getBenchmarkRun"];
        put?: never;
        post?: never;
        /**
         * Abort a run; a run that has ended is returned unchanged
         * @description Needs the scope `operate` where tokens are required.
         */
        delete: operations["abortBenchmarkRun"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Figures of each case in the newest 100 runs, and where they changed
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getBenchmarkHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks/runs/{id}/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Report of a run as HTML with plotted intervals, or as Markdown
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getBenchmarkReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/benchmarks/validation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Targets with their verdicts and evidence
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getBenchmarkValidation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a token is required, and what the client may do
         * @description Open to anyone.
         */
        get: operations["getSession"];
        put?: never;
        /**
         * Trade a token for a browser session
         * @description Open to anyone.
         */
        post: operations["createSession"];
        /**
         * End the browser session
         * @description Ends the session on the server too: its cookie is invalid afterwards. Open to anyone.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tokens of this server, without their secrets
         * @description Needs the scope `admin` where tokens are required.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Create a token
         * @description Only this answer contains the secret. Needs the scope `admin` where tokens are required.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a token
         * @description Its sessions end, and its live sockets are closed with 1008. Needs the scope `admin` where tokens are required.
         */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes made through this API, newest first
         * @description An entry says who changed what, when, from which address, and with which status. It holds no bodies and no secrets. Needs the scope `admin` where tokens are required.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List operations, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One operation with its progress or its outcome
         * @description While the operation runs, the answer carries Retry-After. Needs the scope `read` where tokens are required.
         */
        get: operations["getOperation"];
        put?: never;
        post?: never;
        /**
         * Abort an operation; one that was aborted before is returned unchanged
         * @description Every kind can be aborted. candle_rebuild: its statement is cancelled and rolled back; the candles of earlier days stay. partition_apply: the present step is cancelled and rolled back, except that a concurrent detach and a seal run to their end; applied steps stay. archive_restore: everything is rolled back. An operation that has succeeded or failed, or that runs in another instance, is 409. Needs the scope `operate` where tokens are required.
         */
        delete: operations["abortOperation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rehearsals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List rehearsals, newest first
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listRehearsals"];
        put?: never;
        /**
         * Try a change on a copy of the database; progress is published as rehearsal_status
         * @description Needs the scope `admin` where tokens are required.
         */
        post: operations["startRehearsal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/recommendations/{id}/rehearse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a recommendation of /api/health/database on a copy of the database
         * @description Needs the scope `admin` where tokens are required.
         */
        post: operations["rehearseRecommendation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rehearsals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get one rehearsal with its results
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getRehearsal"];
        put?: never;
        post?: never;
        /**
         * Abort a rehearsal and remove its copies; an ended one stays unchanged
         * @description Needs the scope `operate` where tokens are required.
         */
        delete: operations["abortRehearsal"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rehearsals/{id}/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a rehearsal as an HTML page or as Markdown
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["getRehearsalReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Settings in force with their defaults; secrets are hidden
         * @description Needs the scope `read` where tokens are required.
         */
        get: operations["listSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: {
            type: string;
            title: string;
            status: number;
            code: string;
            detail: string;
            /** @description The SQLSTATE, if an error of Postgres is the cause */
            sqlstate?: string;
            errors?: {
                line?: number;
                path: string;
                message: string;
            }[];
            /** @description Id of the request; also in the header x-request-id and in the log */
            request_id: string;
        };
        HealthResponse: {
            status: components["schemas"]["Status"];
            /**
             * @description Role of the server; null: not polled yet
             * @enum {string|null}
             */
            role: "primary" | "standby" | null;
            mode: components["schemas"]["WriteMode"];
            version: string;
            uptime_seconds: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            /** @description Age of the reading; null: unknown */
            age_ms: number | null;
            checks: components["schemas"]["HealthCheck"][];
        };
        /** @enum {string} */
        Status: "healthy" | "degraded" | "unhealthy" | "unknown";
        /**
         * @description writing: all requests are served; read_only: a primary that does not accept writes; watch_only: a standby
         * @enum {string}
         */
        WriteMode: "writing" | "read_only" | "watch_only";
        HealthCheck: {
            name: string;
            status: components["schemas"]["Status"];
            detail: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            observed_at: string | null;
        };
        Liveness: {
            /** @enum {string} */
            status: "alive" | "ready" | "starting" | "unavailable";
            mode?: components["schemas"]["WriteMode"];
            detail: string;
        };
        DatabaseHealthResponse: {
            overall_status: components["schemas"]["Status"];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            /** @description Age of the reading; null: unknown */
            age_ms: number | null;
            checks: components["schemas"]["HealthCheck"][];
            connection_pool: components["schemas"]["ConnectionPool"];
            performance_metrics: components["schemas"]["DatabasePerformanceMetrics"];
            partition_health: components["schemas"]["PartitionHealthMetrics"];
            ingest: {
                accepted: number;
                quarantined: number;
                quarantined_by_reason: {
                    [key: string]: number;
                };
                uploads_active: number;
                uploads_waiting: number;
                /**
                 * Format: date-time
                 * @description Start of the counters: the start of this process
                 * @example 2026-01-31T09:30:00Z
                 */
                since: string;
                /** @description The 50 most recently active; /api/health/feeds lists all */
                feeds: components["schemas"]["Feed"][];
            };
            reads?: components["schemas"]["ReadsHealth"];
            backups: components["schemas"]["BackupHealth"];
            alerts: components["schemas"]["ListedAlert"][];
            recommendations: components["schemas"]["Recommendation"][];
        };
        ConnectionPool: {
            size: number;
            active: number;
            idle: number;
            waiting: number;
            utilization: number;
            acquire_wait_ms: {
                p50: number;
                p95: number;
                p99: number;
            };
        };
        DatabasePerformanceMetrics: {
            /** @description Client sessions on the server; null: unknown */
            connections_used: number | null;
            /** @description Sessions that roles without superuser rights may open; null: unknown */
            connections_limit: number | null;
            /** @description Share of the limit in use, 0 to 1; null: unknown */
            connections_utilization: number | null;
            connections_by_state: {
                [key: string]: number;
            } | null;
            /** @description Commits and rollbacks per second; null: unknown */
            transactions_per_second: number | null;
            /** @description Rollbacks per second; null: unknown */
            rollbacks_per_second: number | null;
            /** @description Share of transactions that were rolled back, 0 to 1; null: unknown */
            rollback_ratio: number | null;
            /** @description Rows inserted per second in this database; null: unknown */
            inserts_per_second: number | null;
            /** @description Ticks that this Holdfast stores per second; null: unknown */
            ticks_per_second: number | null;
            /** @description Share of block reads served from shared buffers, 0 to 1; null: unknown */
            cache_hit_ratio: number | null;
            /** @description The same for index blocks, since the reset of the statistics; null: unknown */
            index_hit_ratio: number | null;
            /** @description Deadlocks per minute; null: unknown */
            deadlocks_per_minute: number | null;
            /** @description Temporary files written per second; null: unknown */
            temp_files_per_second: number | null;
            /** @description Bytes written to temporary files per second; null: unknown */
            temp_bytes_per_second: number | null;
            /** @description Sessions that wait for a lock; null: unknown */
            blocked_sessions: number | null;
            /** @description Longest wait for a lock at present; null: unknown */
            longest_lock_wait_seconds: number | null;
            /** @description Age of the oldest open transaction; null: unknown */
            longest_transaction_seconds: number | null;
            /** @description Longest time that an open transaction has been idle; null: unknown */
            longest_idle_in_transaction_seconds: number | null;
            /** @description Age of the oldest unfrozen transaction id; null: unknown */
            xid_age: number | null;
            /** @description Checksum failures; null: unknown */
            checksum_failures: number | null;
            /** @description Size on disk of this database; null: unknown */
            database_size_bytes: number | null;
            server_version: string | null;
            /** @description Time since the start of the server; null: unknown */
            server_uptime_seconds: number | null;
        };
        PartitionHealthMetrics: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            /** @description Tables with a partition policy; null: unknown */
            tables_managed: number | null;
            /** @description Leaf partitions of the managed tables; null: unknown */
            partitions: number | null;
            /** @description Shortest time until inserts find no partition; null: unknown */
            runway_seconds: number | null;
            /** @description Gaps between leaves; rows of a gap find no partition; null: unknown */
            holes: number | null;
            /** @description Rows in default partitions, counted up to 1,000 each, then estimated; null: unknown */
            default_rows: number | null;
            /** @description Tables partitioned by range over time, without a policy and a default partition, into which rows are inserted; null: unknown */
            tables_unmanaged: number | null;
            /** @description Shortest time until the last partition of such a table ends; negative afterwards; null: unknown */
            unmanaged_runway_seconds: number | null;
            /** @description Tables without a policy of which this is not known; null: unknown */
            tables_unmanaged_unknown: number | null;
            problems: string[];
        };
        Feed: {
            symbol: string;
            /** @description Ticks stored */
            accepted: number;
            quarantined: number;
            by_reason: {
                [key: string]: number;
            };
            /**
             * Format: date-time
             * @description Time of the newest tick
             * @example 2026-01-31T09:30:00Z
             */
            last_tick_at: string | null;
            /**
             * Format: date-time
             * @description When rows were last received
             * @example 2026-01-31T09:30:00Z
             */
            last_received_at: string;
            /** @description Age of the newest tick; null: unknown */
            age_seconds: number | null;
        };
        /** @description Only if HOLDFAST_READ_URLS is set */
        ReadsHealth: {
            /** @description The greatest staleness of an answer from a standby */
            staleness_seconds_max: number;
            /** @description Reads that the primary answered */
            primary: number;
            standbys: {
                /** @description Host and port */
                name: string;
                /**
                 * @description Why it gets no reads at present; null: it gets reads
                 * @enum {string|null}
                 */
                refusal: "primary_unknown" | "unreachable" | "late" | "promoted" | "other_cluster" | "other_timeline" | "stale" | "absent" | "error" | null;
                /** @description Upper bound of what it is behind the primary; null: unknown */
                staleness_seconds: number | null;
                /** @description Reads that it answered */
                served: number;
                /** @description Reads that the primary answered because this standby could not, by reason */
                fallen_back: {
                    primary_unknown?: number;
                    unreachable?: number;
                    late?: number;
                    promoted?: number;
                    other_cluster?: number;
                    other_timeline?: number;
                    stale?: number;
                    absent?: number;
                    error?: number;
                };
            }[];
        };
        BackupHealth: {
            scheduled: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            last_backup_at: string | null;
            /** @description Size of the newest complete backup; null: not known */
            last_backup_bytes: number | null;
            /** @description Duration; null: not known */
            last_backup_seconds: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            last_proven_restore_at: string | null;
            /** @description Measured recovery time of the last proven restore; null: not known */
            recovery_seconds: number | null;
            /** @description Age of the newest complete backup, or time without one; null: not known */
            backup_age_seconds: number | null;
            /** @description Age of the newest proven backup, or time without one; null: not known */
            unproven_seconds: number | null;
            archive_enabled: boolean;
            /** @description Age of the oldest finished WAL segment that is not archived; null: not known */
            archive_lag_seconds: number | null;
            backups: number;
            proven: number;
            copy_enabled: boolean;
            /**
             * Format: date-time
             * @description Start of the newest copied backup
             * @example 2026-01-31T09:30:00Z
             */
            last_copy_at: string | null;
            /** @description Age of the newest copied backup, or time without one; null: not known */
            copy_age_seconds: number | null;
            /** @description Age of the oldest archived WAL that is not copied; null: not known */
            copy_lag_seconds: number | null;
            /** @description Complete backups in the S3-compatible storage */
            copies: number;
            /** @description Since the start of this process */
            copy_failures: number;
            /** @description Since the start of this process */
            copied_bytes: number;
            copy_problem: string | null;
            problems: string[];
        };
        ListedAlert: components["schemas"]["Alert"] & {
            /**
             * @description The database that the alert is about: `default` if there is only one
             * @example default
             */
            database: string;
        };
        Cure: {
            sql: string;
            lock: string;
            risk: string;
        };
        Alert: {
            /** Format: uuid */
            id: string;
            rule: string;
            /** @example connection_pool_warning */
            alert_type: string;
            /** @enum {string} */
            severity: "warning" | "critical";
            /**
             * @description Worst severity that the alert had
             * @enum {string}
             */
            peak_severity: "warning" | "critical";
            /** @enum {string} */
            state: "pending" | "firing" | "resolved";
            /** @example Connection pool utilization high: 80% */
            message: string;
            value: number | null;
            threshold: number | null;
            /** @description The table or other object that the alert is about; empty for the whole server */
            scope: string;
            /** @description The instance that evaluates a rule about itself; empty for rules that one instance evaluates for all */
            instance: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            resolved_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            acknowledged_at: string | null;
            /** @description Name and role: "marta, admin"; the role is "open" where no token is set */
            acknowledged_by: string | null;
            /** @description The alert fired so often within an hour that it stays open until its value has been clear for 15 minutes */
            flapping: boolean;
            /**
             * Format: date-time
             * @description Since when the value is unknown; until it is known again, the alert neither ends nor changes
             * @example 2026-01-31T09:30:00Z
             */
            unknown_since: string | null;
            /**
             * Format: uuid
             * @description The silence that suppresses the alert's notifications
             */
            silenced_by: string | null;
            /** @description The firing rule of which this alert is a consequence; channels are notified of that rule only */
            inhibited_by: string | null;
            /**
             * Format: date-time
             * @description When channels were last notified of the alert
             * @example 2026-01-31T09:30:00Z
             */
            notified_at: string | null;
            /** @enum {string|null} */
            notified_severity: "warning" | "critical" | null;
            evidence: {
                name: string;
                value?: unknown;
            }[];
            cause: string;
            cure: components["schemas"]["Cure"][];
            /**
             * @description Address of the rule's section in the runbook, which this Holdfast serves
             * @example /docs/runbook#lock_wait
             */
            runbook: string;
        };
        Recommendation: {
            /** @description Id of the recommendation; equal for an equal title and statement */
            id: string;
            title: string;
            detail: string;
            sql?: string;
            lock?: string;
            risk?: string;
            /** @description Result of the last rehearsal; null: none */
            rehearsal: components["schemas"]["AdviceRehearsal"] | null;
        };
        AdviceRehearsal: {
            /** Format: uuid */
            id: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string;
            /** @enum {string} */
            verdict: "worth_it" | "not_worth_it" | "harmful" | "cannot_tell";
            summary: string;
        };
        FeedsHealthResponse: {
            /**
             * Format: date-time
             * @description Start of the counters: the start of this process
             * @example 2026-01-31T09:30:00Z
             */
            since: string;
            /** @description One per symbol, by last activity; at most 1,000 have their own counters */
            feeds: components["schemas"]["Feed"][];
            /** @description Sum of all other feeds */
            other: {
                /** @description Ticks stored */
                accepted: number;
                quarantined: number;
                by_reason: {
                    [key: string]: number;
                };
            };
            /** @description Rows whose symbol could not be read */
            unreadable: {
                /** @description Ticks stored */
                accepted: number;
                quarantined: number;
                by_reason: {
                    [key: string]: number;
                };
            };
            next_cursor: string | null;
        };
        PerformanceImprovementMetrics: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            measured_at: string | null;
            categories: {
                category: components["schemas"]["BenchmarkCategory"];
                target: number;
                target_unit: components["schemas"]["BenchmarkTargetUnit"];
                /** @description Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much; for a capacity, the capacity itself (`target_unit`) */
                improvement: number | null;
                /** @description Lower bound of the 95 % interval of `improvement` */
                ci_low: number | null;
                /** @description Upper bound of the 95 % interval of `improvement` */
                ci_high: number | null;
                verdict: components["schemas"]["BenchmarkVerdict"];
                /** Format: uuid */
                run_id: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                measured_at: string | null;
                /** @description Median throughput of the baseline; the geometric mean if several cases count */
                baseline: number | null;
                /** @description Median throughput of the candidate; the geometric mean if several cases count */
                current: number | null;
                unit: string | null;
            }[];
        };
        /** @enum {string} */
        BenchmarkCategory: "insert_performance" | "calculation_performance" | "high_frequency_capacity" | "query_performance" | "connection_pool" | "partition_maintenance" | "monitoring_overhead" | "broadcast_fanout" | "custom";
        /**
         * @description Unit of `target`, `improvement` and its bounds: a ratio − 1, or the figure itself
         * @enum {string}
         */
        BenchmarkTargetUnit: "ratio" | "inserts/min";
        /**
         * @description Whether the whole 95 % interval lies on one side of the target
         * @enum {string}
         */
        BenchmarkVerdict: "pass" | "fail" | "inconclusive" | "not_measured";
        PartitionHealthResponse: {
            overall_status: components["schemas"]["Status"];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            tables: components["schemas"]["PartitionTable"][];
            /** @description Tables partitioned by range without a policy and without a default partition, those that end first before the others; at most 500. null: not known */
            unmanaged: components["schemas"]["UnmanagedTable"][] | null;
        };
        PartitionTable: {
            table: string;
            policy: components["schemas"]["PartitionPolicy"] | null;
            partitions: number;
            /** @description Estimate of rows; null: not known */
            rows_estimate: number | null;
            bytes: number;
            /** @description Time until inserts find no partition; null: not known */
            runway_seconds: number | null;
            holes: {
                /** @description RFC 3339 if the key is a time; the id if it is a number */
                from: string;
                /** @description RFC 3339 if the key is a time; the id if it is a number */
                to: string;
            }[];
            /** @description Rows in the default partition, counted up to 1,000, then estimated; null: not known */
            default_rows: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            last_rotation_at: string | null;
            sealed: number;
            problems: string[];
            /** @description Recommendation of another interval, from measured sizes */
            recommendations: {
                title: string;
                detail: string;
                interval: string;
                bytes_per_partition: number;
                expected_bytes_per_partition: number;
                partitions: number;
                expected_partitions: number;
            }[];
            children: {
                partition: string;
                /** @description RFC 3339 if the key is a time; the id if it is a number */
                from: string | null;
                /** @description RFC 3339 if the key is a time; the id if it is a number */
                to: string | null;
                /** @enum {string} */
                state: "planned" | "hot" | "sealing" | "sealed" | "detached" | "archived";
                /** @description Estimate of rows; null: not known */
                rows_estimate: number | null;
                bytes: number;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                sealed_at: string | null;
                /** @description default: the default partition, which has no range and holds the rows of no other partition */
                is_default: boolean;
                /** @description What the last verification of a sealed partition found wrong */
                problem: string | null;
            }[];
        };
        PartitionPolicy: {
            table: string;
            interval: string;
            sub_interval?: string;
            time_zone: string;
            /** @enum {string} */
            key: "timestamptz" | "timestamp" | "date" | "epoch_s" | "epoch_ms" | "epoch_us" | "epoch_ns" | "uuidv7" | "id";
            premake: number;
            retention: {
                keep: string;
                /** @enum {string} */
                action: "detach" | "drop" | "archive-then-drop" | "move";
                schema?: string;
            } | null;
            cooldown: string;
            seal: boolean;
            enabled: boolean;
            windows?: components["schemas"]["MaintenanceWindow"][];
        };
        MaintenanceWindow: {
            /** @description ISO days of the week, 1 is Monday; default: every day */
            days?: number[];
            from: string;
            to: string;
        };
        UnmanagedTable: {
            table: string;
            /**
             * @description inserting: rows are inserted; unmanaged_runway watches it. extended: so are they, and partitions are added regularly, shortly before the end. idle: no rows are inserted. ended: so it is, and the last partition is past. endless: the last partition has no end. unknown: see reason
             * @enum {string}
             */
            state: "inserting" | "extended" | "idle" | "ended" | "endless" | "unknown";
            reason: string;
            /** @description First column of the key; null: an expression */
            key: string | null;
            partitions: number;
            last_partition: string | null;
            /**
             * Format: date-time
             * @description End of the last partition; a key without a time zone is read as UTC
             * @example 2026-01-31T09:30:00Z
             */
            ends_at: string | null;
            /** @description Time until then by the server's clock; negative afterwards; null: unknown */
            runway_seconds: number | null;
            /** @description Rows inserted, mean of the last two readings; null: unknown */
            inserts_per_second: number | null;
            /** @enum {string|null} */
            managed_by: "pg_partman" | null;
        };
        TickList: {
            ticks: components["schemas"]["Tick"][];
            next_cursor: string | null;
        };
        Tick: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ts: string;
            symbol: string;
            price: number;
            size: number;
            exchange: string | null;
            side: string | null;
            trade_id: string | null;
        };
        IngestAnswer: {
            /** @description Ticks stored */
            accepted: number;
            /** @description Rows put in quarantine, with their reasons */
            quarantined: number;
            /** @description true: the answer of an earlier upload with the same key; nothing was stored again */
            replayed: boolean;
            /** @description The first refused rows */
            errors?: {
                line?: number;
                path: string;
                message: string;
            }[];
        };
        NewTick: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ts: string;
            symbol: string;
            price: number;
            size: number;
            exchange?: string | null;
            side?: string | null;
            trade_id?: string | number | null;
        };
        CandleRebuildAnswer: {
            /** @description Minutes with ticks or a candle */
            minutes_checked: number;
            /** @description Candles that differed or were missing */
            changed: number;
            /** @description Candles without ticks */
            removed: number;
            skipped: {
                partition: string;
                reason: string;
            }[];
            /**
             * Format: date-time
             * @description Where to continue if the time of one request did not suffice; always null with Prefer: respond-async
             * @example 2026-01-31T09:30:00Z
             */
            next_from: string | null;
        };
        Operation: {
            /** Format: uuid */
            id: string;
            /** @example candle_rebuild */
            kind: string;
            /** @description The table or symbol that the operation is about */
            subject: string;
            /**
             * @description aborted: somebody aborted the operation, or the instance that ran it ended; problems states which
             * @enum {string}
             */
            status: "running" | "succeeded" | "failed" | "aborted";
            progress: {
                /** @example load the rows */
                step: string;
                /** @description Units of this step that are done */
                done: number;
                /** @description Units of this step; null: not known */
                of: number | null;
                /**
                 * @description What done and of count; null: reported by an earlier version
                 * @enum {string|null}
                 */
                unit: "partitions" | "statements" | "rows" | "bytes" | null;
            } | null;
            /** @description What the request would have answered; null until the operation has succeeded. After an abort, the part that was done */
            result: {
                [key: string]: unknown;
            } | null;
            /** @description What went wrong. While an aborted operation still runs, what it must finish first (code aborting) */
            problems: {
                code: string;
                detail: string;
            }[];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            updated_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string | null;
        };
        CandleRebuildRequest: {
            symbol: string;
            /**
             * Format: date-time
             * @description Start of the first minute, inclusive
             * @example 2026-01-31T09:30:00Z
             */
            from?: string;
            /**
             * Format: date-time
             * @description End, exclusive
             * @example 2026-01-31T09:30:00Z
             */
            to?: string;
            /**
             * @deprecated
             * @description Use the query parameter dry_run instead
             */
            dry_run?: boolean;
            /**
             * @description Include days whose partition was detached. Their candles lose the ticks that are no longer in the table
             * @default false
             */
            force: boolean;
        };
        CandleList: {
            candles: components["schemas"]["Candle"][];
            next_cursor: string | null;
        };
        Candle: {
            /**
             * Format: date-time
             * @description Start of the interval, UTC
             * @example 2026-01-31T09:30:00Z
             */
            ts: string;
            open: number;
            high: number;
            low: number;
            close: number;
            volume: number;
            trades: number;
        };
        InstanceList: {
            instances: components["schemas"]["Instance"][];
            /** @description false: the database could not be read, and only the instance that answers is listed */
            complete: boolean;
            next_cursor: string | null;
        };
        Instance: {
            /** @description Name of the instance: HOLDFAST_INSTANCE, or host and port */
            id: string;
            version: string;
            /**
             * Format: date-time
             * @description Start of the instance
             * @example 2026-01-31T09:30:00Z
             */
            since: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            last_seen_at: string;
            /** @description Whether the instance was seen within the last 15 s */
            alive: boolean;
            /** @description Scheduled work that this instance does for all */
            leads: "alerts"[];
        };
        DatabaseList: {
            databases: components["schemas"]["Database"][];
            next_cursor: string | null;
        };
        Database: {
            /** @example default */
            name: string;
            /** @enum {string} */
            status: "healthy" | "degraded" | "unhealthy" | "unknown";
            /**
             * @description Detected engine; null until the server has answered
             * @enum {string|null}
             */
            engine: "postgres" | "citus" | "timescaledb" | null;
            /** @description Version, as the server reports it; null until the server has answered */
            version: string | null;
            /** @enum {string|null} */
            role: "primary" | "standby" | null;
            /** @description Why the status is not healthy, worst reason first; at most five */
            reasons: string[];
            alerts_firing: number;
            /** @description Time since the server last answered; null until it has answered */
            age_ms: number | null;
        };
        InstrumentList: {
            instruments: components["schemas"]["Instrument"][];
            next_cursor: string | null;
        };
        Instrument: {
            id: number;
            symbol: string;
            kind: string;
            currency: string | null;
            tick_size: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            deleted_at: string | null;
        };
        NewInstrument: {
            symbol: string;
            kind?: string;
            currency?: string | null;
            tick_size?: number | null;
        };
        InstrumentPatch: {
            symbol?: string;
            kind?: string;
            currency?: string | null;
            tick_size?: number | null;
        };
        Exactness: {
            symbol: string;
            tick_size: number | null;
            /** @enum {string} */
            tick_size_source: "instrument" | "inferred" | "none";
            /** @description Number of newest ticks read */
            sampled: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            from: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            to: string | null;
            distinct_prices: number;
            /** @description Distinct prices whose decimal text is a multiple of the tick size */
            round_trips: number;
            /** @description Distinct prices that are not a multiple of the tick size */
            off_grid: number;
            off_grid_examples: number[];
            /** @description Largest distance between a stored price and its exact decimal multiple */
            worst_error: number;
            worst_price: number | null;
            max_significant_digits: number;
            /** @description Below this price float8 holds every multiple of the tick size */
            exact_below: number | null;
            /** @enum {string} */
            verdict: "exact" | "inexact" | "unknown";
            advice: string;
        };
        QuarantineList: {
            quarantine: components["schemas"]["QuarantinedRow"][];
            next_cursor: string | null;
        };
        QuarantinedRow: {
            id: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            received_at: string;
            /** @example future */
            reason: string;
            path: string;
            detail: string;
            line: number | null;
            raw: string;
            /** @description The symbol; null: it could not be read */
            symbol: string | null;
        };
        QuarantineBulkRetryAnswer: {
            /** @description Rows tried, at most 1000 */
            retried: number;
            stored: number;
            still_quarantined: number;
            /** @description The first rows that were refused again */
            errors: {
                id: string;
                path: string;
                message: string;
            }[];
            next_cursor: string | null;
        };
        QuarantineBulkRetryRequest: {
            reason?: string;
            symbol?: string;
            /**
             * Format: date-time
             * @description Rows that arrived at this time or later
             * @example 2026-01-31T09:30:00Z
             */
            from?: string;
            /**
             * Format: date-time
             * @description Rows that arrived before this time
             * @example 2026-01-31T09:30:00Z
             */
            to?: string;
            ids?: string[];
            /**
             * @description Create instruments for unknown symbols
             * @default false
             */
            create: boolean;
            /**
             * @description Accept ticks older than the horizon
             * @default false
             */
            backfill: boolean;
            /** @description The next_cursor of the previous page, unchanged; any other text is refused */
            cursor?: string;
            /**
             * @description Required to retry all rows, that is, without ids and filters
             * @default false
             */
            all: boolean;
        };
        QuarantineRetryRequest: {
            tick?: components["schemas"]["NewTick"];
        };
        QuarantinePurgeAnswer: {
            purged: number;
            /** @description false: the time of one request did not suffice, and rows remain */
            complete: boolean;
        };
        PartitionTableList: {
            tables: components["schemas"]["PartitionTable"][];
            next_cursor: string | null;
        };
        PartitionPolicyList: {
            policies: components["schemas"]["PartitionPolicy"][];
            next_cursor: string | null;
        };
        PartitionPolicyInput: {
            /** @description The table of the path; allowed here so that an answer can be sent back as a request */
            table?: string;
            /** @example 1 day */
            interval: string;
            /** @description Length of sub-partitions: each partition is partitioned itself and is created with all its sub-partitions. For thousands of partitions, such as a year of hours in months */
            sub_interval?: string | null;
            /** @default UTC */
            time_zone: string;
            /** @enum {string} */
            key: "timestamptz" | "timestamp" | "date" | "epoch_s" | "epoch_ms" | "epoch_us" | "epoch_ns" | "uuidv7" | "id";
            /** @default 7 */
            premake: number;
            /** @default null */
            retention: {
                /**
                 * @description An interval, or a number of ids
                 * @example 90 days
                 */
                keep: string;
                /** @enum {string} */
                action: "detach" | "drop" | "archive-then-drop" | "move";
                /** @description The schema that `move` moves partitions to */
                schema?: string;
            } | null;
            /** @default 7 days */
            cooldown: string;
            /** @default false */
            seal: boolean;
            /** @default true */
            enabled: boolean;
            windows?: components["schemas"]["MaintenanceWindow"][] | null;
        };
        PartitionPlan: {
            /** @description SHA-256 of the relevant part of the catalogue and of the statements */
            digest: string;
            statements: {
                table: string;
                partition: string;
                /** @enum {string} */
                action: "finalize" | "attach" | "drain" | "detach" | "seal" | "archive" | "move" | "drop";
                /** @description Statements of one step succeed or fail together */
                step: number;
                sql: string;
                lock: string;
                reason: string;
                /** @description Held back: the warnings say why; only apply with confirm does it */
                held: boolean;
                estimate: {
                    rows: number;
                    bytes: number;
                    seconds: number;
                };
            }[];
            skipped: {
                table: string;
                reason: string;
            }[];
            warnings: string[];
        };
        PartitionPlanRequest: {
            /**
             * @description schema.name; default: all tables
             * @example market.ticks
             */
            table?: string;
        };
        PartitionApplyAnswer: {
            /** @description Statements carried out */
            applied: number;
            skipped: {
                table: string;
                reason: string;
            }[];
        };
        PartitionApplyRequest: {
            digest: string;
            /**
             * @description schema.name; default: all tables
             * @example market.ticks
             */
            table?: string;
            /**
             * @description Also carries out what is held back: large removals, removals of a table's newest rows, and steps decided by an untrusted clock. The present time is trusted from then on
             * @default false
             */
            confirm: boolean;
        };
        MaintenanceLog: {
            entries: {
                id: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                at: string;
                action: string;
                table: string;
                partition: string | null;
                reason: string;
                duration_ms: number;
                error: string | null;
                sql: string | null;
            }[];
            next_cursor: string | null;
        };
        PartitionConversionList: {
            conversions: components["schemas"]["PartitionConversion"][];
            next_cursor: string | null;
        };
        PartitionConversion: {
            id: string;
            /** @enum {string} */
            kind: "convert" | "drain";
            table: string;
            /**
             * @description failed: a permanent error ended the conversion before the swap, and it was undone; failure has the reason
             * @enum {string}
             */
            phase: "copying" | "replaying" | "verifying" | "waiting" | "swapped" | "undoing" | "finishing" | "cancelling" | "cleaning" | "undone" | "finished" | "cancelled" | "failed";
            /** @description Share of the old table that has been copied, 0 to 1 */
            progress: number;
            rows_copied: number;
            changes_applied: number;
            rows_verified: number | null;
            /** @description Content hash of both tables, compared in one snapshot before the swap */
            content_hash: string | null;
            /** @description Longest time that writers were blocked */
            lock_ms: number | null;
            waits_for: string | null;
            error: string | null;
            failure: components["schemas"]["PartitionMoveFailure"] | null;
            undoable: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            updated_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ended_at: string | null;
        };
        PartitionMoveFailure: {
            sqlstate: string | null;
            message: string;
            detail: string | null;
            constraint: string | null;
            column: string | null;
            /** @description The phase that failed */
            phase: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            at: string;
        };
        PartitionConversionAnswer: {
            table: string;
            digest: string | null;
            /** @description Why the table cannot be converted, each reason with its remedy */
            refusals: string[];
            partitions: string[];
            statements: {
                phase: string;
                sql: string;
                lock: string;
                reason: string;
            }[];
            estimate: {
                rows: number;
                bytes: number;
                seconds: number;
            } | null;
            conversion: components["schemas"]["PartitionConversion"] | null;
        };
        PartitionConvertRequest: {
            /**
             * @description schema.name, unquoted
             * @example app.events
             */
            table: string;
            /**
             * @description plan changes nothing (the old form of ?dry_run=true); start needs the plan's digest; undo and finish come after the swap, cancel before it. finish drops the old table
             * @default plan
             * @enum {string}
             */
            action: "plan" | "start" | "undo" | "finish" | "cancel";
            digest?: string;
            /** @description Column to partition by; required by plan and start */
            key_column?: string;
            /**
             * @description Add the key column to primary keys and unique constraints that lack it
             * @default false
             */
            widen_keys: boolean;
            /** @description Policy of the new partitioned table; required by plan and start */
            policy?: components["schemas"]["PartitionPolicyInput"];
        };
        PartitionVerification: {
            /** @enum {string} */
            status: "running" | "passed" | "failed" | "aborted";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string | null;
            table: string | null;
            progress: {
                leaves: number;
                leaves_done: number;
                partition: string | null;
                blocks: number;
                blocks_done: number;
            };
            /** @description Sealed partitions read */
            checked: number;
            /** @description Number of partitions that differ from what was sealed */
            differing: number;
            partitions: {
                table: string;
                partition: string;
                /**
                 * @description open: the content is unchanged, but writes are allowed
                 * @enum {string}
                 */
                status: "intact" | "open" | "changed" | "unreadable" | "gone";
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                sealed_at: string | null;
                rows: number | null;
                expected_rows: number | null;
                content_hash: string | null;
                expected_hash: string | null;
                differences: {
                    /** @description Key at which the stretch begins; null: the partition's own start */
                    from: string | null;
                    to: string | null;
                    /** @enum {string} */
                    kind: "rows missing" | "rows more" | "content changed";
                    rows: number;
                    expected_rows: number;
                }[];
                /** @description Blocks of the partition's file that the server could not read */
                unreadable: {
                    from: number;
                    to: number;
                    error: string;
                }[];
                problems: string[];
                duration_ms: number;
            }[];
            error: string | null;
        };
        /** @description Default: all sealed partitions */
        PartitionVerifyRequest: {
            /**
             * @description schema.name, unquoted
             * @example market.ticks
             */
            table?: string;
            /**
             * @description The leaf's name, with or without its schema
             * @example ticks_p20260315
             */
            partition?: string;
            /**
             * @description Another name for `partition`
             * @example ticks_p20260315
             */
            leaf?: string;
        };
        PartitionManifest: {
            /** @enum {number} */
            version: 1;
            table: string;
            partition: string;
            bound: string;
            key: {
                column: string;
                type: string;
            };
            columns: {
                name: string;
                type: string;
            }[];
            rows: number;
            min: string | null;
            max: string | null;
            content_hash: string;
            bytes: number;
            thresholds: string[];
            buckets: (number | string)[][];
            sealed_at: string;
            sealed_by: string;
        };
        PartitionUnsealRequest: {
            /**
             * @description schema.name, unquoted
             * @example market.ticks
             */
            table: string;
            /**
             * @description The leaf's name, with or without its schema
             * @example ticks_p20260315
             */
            partition: string;
            /**
             * @description How long the partition is not sealed again
             * @default 86400
             */
            hold_seconds: number;
        };
        PartitionArchiveList: {
            archives: {
                table: string;
                partition: string;
                bound: string;
                /** @description Path of the file below the archive directory */
                file: string;
                bytes: number;
                sha256: string;
                rows: number;
                content_hash: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                archived_at: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                restored_at: string | null;
                /** @description Whether the table that the archive was written from is dropped */
                dropped: boolean;
            }[];
            next_cursor: string | null;
        };
        PartitionRestored: {
            table: string;
            partition: string;
            rows: number;
            content_hash: string;
            bound: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            held_until: string;
            duration_ms: number;
        };
        PartitionRestoreRequest: {
            /**
             * @description schema.name, unquoted
             * @example market.ticks
             */
            table: string;
            /**
             * @description The leaf's name, with or without its schema
             * @example ticks_p20260315
             */
            partition?: string;
            /** @description A .parquet below the archive directory */
            file?: string;
            /**
             * @description How long retention keeps the restored partition
             * @default 604800
             */
            hold_seconds: number;
        };
        AlertList: {
            alerts: components["schemas"]["ListedAlert"][];
            next_cursor: string | null;
            /** @description false: a database is unreachable; its firing alerts come from memory, its ended ones are missing */
            complete: boolean;
        };
        AlertRuleList: {
            rules: components["schemas"]["AlertRule"][];
            next_cursor: string | null;
        };
        AlertRule: {
            name: string;
            title: string;
            metric: string;
            /** @enum {string} */
            unit: "ratio" | "times" | "seconds" | "milliseconds" | "bytes" | "bytes_per_second" | "count" | "per_minute" | "per_hour" | "flag";
            /**
             * @description Whether high or low values are bad
             * @enum {string}
             */
            direction: "above" | "below";
            /** @description Level of a warning; null for none */
            warning: number | null;
            /** @description Level of a critical alert; null for none */
            critical: number | null;
            /** @description Level at which a firing alert ends; between this level and `warning` nothing changes */
            clear: number;
            /** @description How long a level must hold before the rule fires */
            for_seconds: number;
            /** @description How long the value must be clear before the alert ends */
            keep_firing_seconds: number;
            /** @description Minimum time from the end of an alert to the next one of the same rule and scope */
            cooldown_seconds: number;
            enabled: boolean;
            /** @description The first words of the alert's message */
            phrase: string;
            cause: string;
            cure: components["schemas"]["Cure"][];
            /** @description true: each instance evaluates the rule for itself; false: one instance evaluates it for all on the database */
            local?: boolean;
        };
        AlertRuleChanges: {
            rules: components["schemas"]["AlertRuleChange"][];
            next_cursor?: string | null;
        };
        AlertRuleChange: {
            name: string;
            title?: string;
            metric?: string;
            /** @enum {string} */
            unit?: "ratio" | "times" | "seconds" | "milliseconds" | "bytes" | "bytes_per_second" | "count" | "per_minute" | "per_hour" | "flag";
            /**
             * @description Whether high or low values are bad
             * @enum {string}
             */
            direction?: "above" | "below";
            /** @description Level of a warning; null for none */
            warning?: number | null;
            /** @description Level of a critical alert; null for none */
            critical?: number | null;
            /** @description Level at which a firing alert ends; between this level and `warning` nothing changes */
            clear?: number;
            /** @description How long a level must hold before the rule fires */
            for_seconds?: number;
            /** @description How long the value must be clear before the alert ends */
            keep_firing_seconds?: number;
            /** @description Minimum time from the end of an alert to the next one of the same rule and scope */
            cooldown_seconds?: number;
            enabled?: boolean;
            /** @description The first words of the alert's message */
            phrase?: string;
            cause?: string;
            cure?: components["schemas"]["Cure"][];
            /** @description true: each instance evaluates the rule for itself; false: one instance evaluates it for all on the database */
            local?: boolean;
            /** @description Undo every change made at run time */
            reset?: boolean;
        };
        AlertSilenceList: {
            silences: components["schemas"]["AlertSilence"][];
            next_cursor: string | null;
        };
        AlertSilence: {
            /** Format: uuid */
            id: string;
            /** @description null: every rule */
            rule: string | null;
            /** @description null: every scope */
            scope: string | null;
            reason: string;
            created_by: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            starts_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ends_at: string;
        };
        AlertSilenceRequest: {
            /** @default null */
            rule: string | null;
            /** @default null */
            scope: string | null;
            reason: string;
            /**
             * Format: date-time
             * @description Start; default: now. A later time is for a maintenance window
             * @example 2026-01-31T09:30:00Z
             */
            starts_at?: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ends_at?: string;
            duration_seconds?: number;
        };
        AlertChannelList: {
            channels: components["schemas"]["AlertChannel"][];
            next_cursor: string | null;
        };
        AlertChannel: {
            name: string;
            /** @enum {string} */
            type: "websocket" | "log" | "webhook" | "slack" | "pagerduty" | "alertmanager";
            /** @description Host of the channel's address; the rest is not shown */
            host: string | null;
            /** @enum {string} */
            min_severity: "warning" | "critical";
            /** @description null: all */
            rules: string[] | null;
            waiting: number;
        };
        AlertChannelTest: {
            channel: string;
            delivered: boolean;
            error: string | null;
            duration_ms: number;
        };
        AlertDeliveryList: {
            deliveries: components["schemas"]["AlertDelivery"][];
            next_cursor: string | null;
        };
        AlertDelivery: {
            /** Format: uuid */
            id: string;
            channel: string;
            /** @enum {string} */
            state: "queued" | "delivered" | "dead";
            summary: string;
            attempts: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            next_attempt_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            ended_at: string | null;
            error: string | null;
            /** @description Each event with its own outcome; a delivery is dead if any of its events is */
            events: {
                /** @enum {string} */
                kind: "fired" | "escalated" | "eased" | "acknowledged" | "reminder" | "resolved";
                rule: string;
                scope: string;
                /** @enum {string} */
                state: "queued" | "delivered" | "dead";
                error: string | null;
            }[];
        };
        AlertRehearsal: {
            rule: string;
            scope: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            from: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            to: string;
            /**
             * Format: date-time
             * @description The first stored value; null for none
             * @example 2026-01-31T09:30:00Z
             */
            known_from: string | null;
            /**
             * Format: date-time
             * @description The last stored value; null for none
             * @example 2026-01-31T09:30:00Z
             */
            known_to: string | null;
            points: number;
            /** @description Time without a value between the first and the last one */
            unknown_seconds: number;
            would_have_fired: number;
            /** @description Number of notifications that channels would have got, without reminders */
            notices: number;
            firings: {
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                started_at: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                fired_at: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                resolved_at: string | null;
                /** @enum {string} */
                severity: "warning" | "critical";
                worst_value: number;
                message: string;
            }[];
            /** @example would have fired 3 times between … and … */
            summary: string;
        };
        AlertRehearsalRequest: {
            rule: string;
            /** @default  */
            scope: string;
            /**
             * Format: date-time
             * @description Default: 7 days before `to`
             * @example 2026-01-31T09:30:00Z
             */
            from?: string;
            /**
             * Format: date-time
             * @description Default: now
             * @example 2026-01-31T09:30:00Z
             */
            to?: string;
            /** @description Length of the range, instead of `from` */
            days?: number;
            /**
             * @description Levels to try instead of those in force
             * @default {}
             */
            changes: {
                /** @description Level of a warning; null for none */
                warning?: number | null;
                /** @description Level of a critical alert; null for none */
                critical?: number | null;
                /** @description Level at which a firing alert ends; between this level and `warning` nothing changes */
                clear?: number;
                /** @description How long a level must hold before the rule fires */
                for_seconds?: number;
                /** @description How long the value must be clear before the alert ends */
                keep_firing_seconds?: number;
                /** @description Minimum time from the end of an alert to the next one of the same rule and scope */
                cooldown_seconds?: number;
            };
        };
        ExplainedAlert: components["schemas"]["ListedAlert"] & {
            explanation: {
                meaning: string;
                why: string[];
                runbook: string;
            };
        };
        LockTree: {
            /**
             * @description unknown: the list may be old or incomplete
             * @enum {string}
             */
            status: "known" | "unknown";
            /** @description Why the status is unknown */
            detail: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            age_ms: number | null;
            roots: {
                /** @description Process id of the session; 0: a prepared transaction, which has no session */
                pid: number;
                query: string | null;
                user: string | null;
                application: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                backend_start: string | null;
                state: string | null;
                /** @description Age of the session's transaction */
                age_seconds: number | null;
                blocked: components["schemas"]["BlockedSession"][];
            }[];
            next_cursor: string | null;
        };
        BlockedSession: {
            /** @description Process id of the session; 0: a prepared transaction, which has no session */
            pid: number;
            query: string | null;
            user: string | null;
            application: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            backend_start: string | null;
            waited_seconds: number | null;
            /** @example ShareLock on market.ticks */
            waits_for: string | null;
            blocked: components["schemas"]["BlockedSession"][];
        };
        SessionList: {
            sessions: {
                pid: number;
                backend_type: string;
                database: string | null;
                user: string | null;
                application: string | null;
                /** @description Address of the client; null over a Unix socket */
                client: string | null;
                state: string | null;
                /** @example Lock: transactionid */
                wait: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                backend_start: string | null;
                transaction_seconds: number | null;
                state_seconds: number | null;
                /** @description Text of the statement, without constants */
                query: string | null;
                /** @description Whether the session belongs to a Holdfast */
                own: boolean;
            }[];
            next_cursor: string | null;
        };
        SignalledSession: {
            pid: number;
            /** @enum {string} */
            action: "cancel" | "terminate";
        };
        QueryList: {
            /**
             * @description unknown: the list may be old or incomplete
             * @enum {string}
             */
            status: "known" | "unknown";
            /** @description Why the status is unknown */
            detail: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            age_ms: number | null;
            queries: {
                query_id: string;
                /** @description Text without constants; null until it has been fetched */
                query: string | null;
                calls: number;
                mean_ms: number;
                total_ms: number;
                /** @description Share of the time of all statements, 0 to 1 */
                share: number;
                rows: number;
                /** @description Blocks that were not in the server's cache */
                blocks_read: number;
                /** @description null: it read no block */
                cache_hit_ratio: number | null;
                temp_blocks: number;
                wal_bytes: number;
                /** @description The same figures for at most the last quarter of an hour; null before two readings */
                recent: {
                    seconds: number;
                    calls: number;
                    mean_ms: number;
                    total_ms: number;
                    /** @description Share of the time of all statements, 0 to 1 */
                    share: number;
                    rows: number;
                    /** @description Blocks that were not in the server's cache */
                    blocks_read: number;
                    /** @description null: it read no block */
                    cache_hit_ratio: number | null;
                    temp_blocks: number;
                    wal_bytes: number;
                } | null;
                /** @description How a call has become more expensive; empty: no regression */
                regressions: {
                    /** @enum {string} */
                    metric: "mean_ms" | "blocks_per_call";
                    /** @description Median of the last six hours */
                    before: number;
                    after: number;
                    ratio: number;
                    /**
                     * Format: date-time
                     * @example 2026-01-31T09:30:00Z
                     */
                    since: string;
                    /** @description What of one call changed with it, likely causes first. more_blocks: more blocks for as many rows, as by another plan, a missing index or bloat. cache_misses: more blocks read for as many blocks. waits: only the time grew, as by locks, the disk or the processor */
                    causes: {
                        /** @enum {string} */
                        kind: "more_rows" | "more_blocks" | "cache_misses" | "temp_files" | "waits";
                        before: number;
                        after: number;
                    }[];
                    /** @description Changes within the hour before, likely causes first */
                    changes: {
                        /**
                         * Format: date-time
                         * @example 2026-01-31T09:30:00Z
                         */
                        at: string;
                        /** @enum {string} */
                        kind: "setting" | "ddl" | "index" | "plan" | "statistics_reset" | "server_start" | "holdfast_start" | "mark";
                        subject: string;
                        before: string | null;
                        after: string | null;
                        /** @description Whether the change names a table of the statement, or is one of its plan */
                        same_table: boolean;
                    }[];
                }[];
            }[];
            next_cursor: string | null;
        };
        IndexList: {
            /**
             * @description unknown: the list may be old or incomplete
             * @enum {string}
             */
            status: "known" | "unknown";
            /** @description Why the status is unknown */
            detail: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            age_ms: number | null;
            indexes: {
                name: string;
                table: string;
                method: string;
                bytes: number;
                scans: number;
                partitions: number;
                unique: boolean;
                valid: boolean;
                /** @description true: never read since the statistics began, and not needed for anything else. Always false on a standby, which counts only its own reads */
                unused: boolean;
                /** @description An index with the same method, keys, order, operator classes, collations, predicate and uniqueness */
                duplicate_of: string | null;
                /** @description An index that begins with all keys of this one, with the same order, operator classes and collations */
                covered_by: string | null;
                /** @description What needs the index besides reads */
                needed_for: string[];
                /** @description An index counts as unused only after this instance has watched the server as a primary, with use counted, for a week */
                problems: ("invalid" | "duplicate" | "covered" | "unused")[];
                cure: {
                    sql: string;
                    lock: string;
                    risk: string;
                } | null;
            }[];
            missing: {
                table: string;
                columns: string[];
                reason: string;
                cure: {
                    sql: string;
                    lock: string;
                    risk: string;
                };
            }[];
            next_cursor: string | null;
        };
        StatementReport: {
            /**
             * @description unknown: the list may be old or incomplete
             * @enum {string}
             */
            status: "known" | "unknown";
            /** @description Why the status is unknown */
            detail: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            checked_at: string | null;
            age_ms: number | null;
            statement: {
                query_id: string;
                /** @description Text without constants; null until it has been fetched */
                query: string | null;
                calls: number;
                mean_ms: number;
                total_ms: number;
                /** @description Share of the time of all statements, 0 to 1 */
                share: number;
                rows: number;
                /** @description Blocks that were not in the server's cache */
                blocks_read: number;
                /** @description null: it read no block */
                cache_hit_ratio: number | null;
                temp_blocks: number;
                wal_bytes: number;
                /** @description The same figures for at most the last quarter of an hour; null before two readings */
                recent: {
                    seconds: number;
                    calls: number;
                    mean_ms: number;
                    total_ms: number;
                    /** @description Share of the time of all statements, 0 to 1 */
                    share: number;
                    rows: number;
                    /** @description Blocks that were not in the server's cache */
                    blocks_read: number;
                    /** @description null: it read no block */
                    cache_hit_ratio: number | null;
                    temp_blocks: number;
                    wal_bytes: number;
                } | null;
                /** @description How a call has become more expensive; empty: no regression */
                regressions: {
                    /** @enum {string} */
                    metric: "mean_ms" | "blocks_per_call";
                    /** @description Median of the last six hours */
                    before: number;
                    after: number;
                    ratio: number;
                    /**
                     * Format: date-time
                     * @example 2026-01-31T09:30:00Z
                     */
                    since: string;
                    /** @description What of one call changed with it, likely causes first. more_blocks: more blocks for as many rows, as by another plan, a missing index or bloat. cache_misses: more blocks read for as many blocks. waits: only the time grew, as by locks, the disk or the processor */
                    causes: {
                        /** @enum {string} */
                        kind: "more_rows" | "more_blocks" | "cache_misses" | "temp_files" | "waits";
                        before: number;
                        after: number;
                    }[];
                    /** @description Changes within the hour before, likely causes first */
                    changes: {
                        /**
                         * Format: date-time
                         * @example 2026-01-31T09:30:00Z
                         */
                        at: string;
                        /** @enum {string} */
                        kind: "setting" | "ddl" | "index" | "plan" | "statistics_reset" | "server_start" | "holdfast_start" | "mark";
                        subject: string;
                        before: string | null;
                        after: string | null;
                        /** @description Whether the change names a table of the statement, or is one of its plan */
                        same_table: boolean;
                    }[];
                }[];
            };
        };
        StatementHistory: {
            query_id: string;
            /** @description Time that each point covers */
            step_seconds: number;
            /** @description false: points may be missing; detail says why */
            complete: boolean;
            detail: string;
            points: {
                /**
                 * Format: date-time
                 * @description When the interval begins
                 * @example 2026-01-31T09:30:00Z
                 */
                ts: string;
                /** @description How much of the interval was observed, at most about its length */
                seconds: number;
                calls: number;
                total_ms: number;
                /** @description Time of one call */
                mean_ms: number;
                rows: number;
                /** @description Blocks read, from the cache or not */
                blocks: number;
                /** @description Those that were not in the cache */
                blocks_read: number;
                temp_blocks: number;
                wal_bytes: number;
            }[];
        };
        StatementPlan: {
            query_id: string;
            /**
             * @description unknown: detail says why
             * @enum {string}
             */
            status: "known" | "unknown";
            detail: string;
            /** @description What an administrator can run so that there is a plan */
            remedy: string | null;
            /** @description The whole text, without constants */
            query: string | null;
            /** @description The role that ran it, with whose rights it is planned */
            role: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            planned_at: string;
            total_cost: number | null;
            /** @description Nodes of the plan, shown or not */
            nodes: number | null;
            root: components["schemas"]["PlanNode"] | null;
        };
        PlanNode: {
            /** @example Index Scan */
            node: string;
            /** @description Table, CTE or function, with its alias */
            relation: string | null;
            index: string | null;
            /**
             * @description How its parent uses it
             * @enum {string}
             */
            role: "root" | "outer" | "inner" | "member" | "init_plan" | "sub_plan" | "subquery";
            /** @description The name of a subplan */
            name: string | null;
            /** @description Rows that the planner expects of one execution */
            rows: number;
            /** @description Bytes of a row */
            width: number;
            startup_cost: number;
            total_cost: number;
            /** @description Share of the whole cost that this node alone causes, 0 to 1; the shares of all nodes together are 1 */
            share: number;
            /** @description The share of the node and all below it */
            subtree_share: number;
            /** @description Parallel workers that it starts */
            workers: number | null;
            /** @description Whether several processes execute it, so that rows are those of one */
            per_worker: boolean;
            conditions: {
                what: string;
                text: string;
            }[];
            /** @description Nodes below that are not shown: of an Append, all but the 12 most expensive members */
            left_out: number;
            left_out_share: number;
            children: components["schemas"]["PlanNode"][];
        };
        ChangeList: {
            changes: components["schemas"]["ServerChange"][];
            next_cursor: string | null;
        };
        ServerChange: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            at: string;
            /** @enum {string} */
            kind: "setting" | "ddl" | "index" | "plan" | "statistics_reset" | "server_start" | "holdfast_start" | "mark";
            subject: string;
            before: string | null;
            after: string | null;
        };
        IncidentList: {
            incidents: {
                /** Format: uuid */
                id: string;
                /** @description The database that the incident is about */
                database: string;
                /** @enum {string} */
                status: "recording" | "complete" | "interrupted";
                /** Format: uuid */
                alert_id: string;
                alert_type: string;
                scope: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                opened_at: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                closed_at: string | null;
                /** @description Size of the report; null while it is recorded */
                bytes: number | null;
            }[];
            next_cursor: string | null;
            /** @description false: a database did not answer; of its incidents only those that are in memory are listed */
            complete: boolean;
        };
        Incident: {
            /** Format: uuid */
            id: string;
            /** @description The database that the incident is about */
            database: string;
            /** @enum {string} */
            status: "recording" | "complete" | "interrupted";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            opened_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            from: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            to: string;
            /** @description Alerts that became critical during the incident */
            alerts: {
                [key: string]: unknown;
            }[];
            /** @description State when the incident was opened */
            before: {
                [key: string]: unknown;
            };
            /** @description State when the incident was closed */
            after: {
                [key: string]: unknown;
            } | null;
            /** @description Active sessions at opening and close */
            sessions: {
                [key: string]: unknown;
            }[];
            /** @description Root blockers of each snapshot */
            blocking: {
                [key: string]: unknown;
            }[];
            /** @description Changes of settings, DDL, restarts and resets of statistics during the incident */
            changes: {
                [key: string]: unknown;
            }[];
            /** @description Maintenance of partitions during the incident; null: unknown */
            maintenance: {
                [key: string]: unknown;
            }[] | null;
            /** @description 1: every sample; 2: every second one, … */
            samples_every: number;
            /** @description Per metric: [seconds after from, value] */
            samples: {
                [key: string]: number[][];
            };
        };
        MetricList: {
            metrics: {
                name: string;
                /** @description The database that is measured */
                database: string;
                unit: string;
                /** @description Table, slot or other object; empty: the server */
                scope: string;
                /** @description Present value; null: unknown */
                value: number | null;
                /**
                 * @description bad: beyond a level of an enabled rule
                 * @enum {string}
                 */
                status: "known" | "bad" | "unknown";
            }[];
            next_cursor: string | null;
        };
        MoveList: {
            moves: {
                name: string;
                unit: string;
                /** @description Median of the equally long time before the window */
                before: number;
                /** @description Median within the window */
                during: number;
                /** @description Difference of the medians, divided by the usual spread before the window */
                score: number;
            }[];
            next_cursor: string | null;
        };
        MetricSeries: {
            name: string;
            /** @description The database that was measured */
            database: string;
            unit: string;
            scope: string;
            /** @description Time that each point covers; 0: as measured */
            step_seconds: number;
            /** @description false: points may be missing; detail says why */
            complete: boolean;
            detail: string;
            points: {
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                ts: string;
                /** @description The mean */
                value: number;
                min: number;
                max: number;
                last: number;
            }[];
        };
        BackupList: {
            backups: components["schemas"]["Backup"][];
            next_cursor: string | null;
        };
        Backup: {
            /** @example 20260131T093000Z-1f3a5c */
            id: string;
            /** @enum {string} */
            kind: "base" | "logical";
            /** @enum {string} */
            status: "running" | "complete" | "failed" | "corrupt";
            /** @description On disk, compressed */
            bytes: number;
            /** @description Before compression */
            raw_bytes: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string | null;
            /** @description Duration; null: not known */
            duration_seconds: number | null;
            start_lsn: string | null;
            end_lsn: string | null;
            timeline: number | null;
            /**
             * Format: date-time
             * @description When the backup's files were last checked
             * @example 2026-01-31T09:30:00Z
             */
            verified_at: string | null;
            /**
             * Format: date-time
             * @description When a restore drill last proved it
             * @example 2026-01-31T09:30:00Z
             */
            proven_at: string | null;
            /** @description Recovery time of the last drill: from the first byte read to a server that answers; null: not known */
            recovery_seconds: number | null;
            progress: {
                step: string;
                done_bytes: number;
                /** @description The server's estimate; null: not known */
                total_bytes: number | null;
            } | null;
            copy: components["schemas"]["BackupCopy"];
            problems: string[];
            /** @description What the last drill checked */
            notes: string[];
        };
        /** @description Its copy in the S3-compatible storage */
        BackupCopy: {
            /**
             * @description none: nothing is to be copied; pending: it will be copied; failed: it will be retried
             * @enum {string}
             */
            state: "none" | "pending" | "copying" | "done" | "failed";
            /**
             * Format: date-time
             * @description When the copy was completed
             * @example 2026-01-31T09:30:00Z
             */
            at: string | null;
            /** @description Progress while it is copied */
            done_bytes: number | null;
            /** @description Progress while it is copied */
            total_bytes: number | null;
            problem: string | null;
        };
        BackupStart: {
            /**
             * @description Default: base where the role may replicate, else logical (pg_dump)
             * @enum {string}
             */
            kind?: "base" | "logical";
        };
        BackupCheck: {
            /**
             * @description Run a restore drill too, not only check the files
             * @default true
             */
            restore: boolean;
        };
        BenchmarkCaseList: {
            cases: components["schemas"]["BenchmarkCase"][];
            next_cursor: string | null;
        };
        BenchmarkCase: {
            id: string;
            category: components["schemas"]["BenchmarkCategory"];
            title: string;
            /** @example rows/s */
            unit: string;
            /** @description Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much; for a capacity, the capacity itself (`target_unit`) */
            target: number;
            target_unit: components["schemas"]["BenchmarkTargetUnit"];
            /** @description Whether the case counts towards its category's verdict */
            counts: boolean;
            baseline: string;
            candidate: string;
        };
        BenchmarkRun: {
            /** Format: uuid */
            id: string;
            profile: components["schemas"]["BenchmarkProfile"];
            /** @enum {string} */
            status: "queued" | "running" | "completed" | "aborted" | "failed";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            started_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string | null;
            seed: number;
            /** @description Settings of the server and the machine that the figures depend on */
            environment: {
                [key: string]: string | number;
            };
            results: components["schemas"]["BenchmarkResult"][];
            /** @description Why the run failed or was aborted */
            error: string | null;
            /** @description null when the run has ended or another instance runs it */
            progress: {
                /** @description The case that is being measured */
                step: string;
                /** @description Blocks measured, of all cases */
                done: number;
                of: number;
            } | null;
        };
        /** @enum {string} */
        BenchmarkProfile: "quick" | "full";
        BenchmarkResult: {
            case: string;
            category: components["schemas"]["BenchmarkCategory"];
            /** @description Median throughput of the baseline, in `unit` */
            baseline: number | null;
            /** @description Median throughput of the candidate, in `unit` */
            candidate: number | null;
            unit: string;
            /** @description Candidate ÷ baseline */
            ratio: number | null;
            /** @description Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much; for a capacity, the capacity itself (`target_unit`) */
            improvement: number | null;
            /** @description Lower bound of the 95 % interval of `improvement` */
            ci_low: number | null;
            /** @description Upper bound of the 95 % interval of `improvement` */
            ci_high: number | null;
            target: number;
            target_unit: components["schemas"]["BenchmarkTargetUnit"];
            verdict: components["schemas"]["BenchmarkVerdict"];
            /** @description Blocks measured; each gave one ratio */
            samples: number;
            /** @description Lower bound for an arm compared with itself; the interval contains 0 if the measurement is unbiased */
            null_ci_low: number | null;
            /** @description Upper bound for an arm compared with itself */
            null_ci_high: number | null;
            /** @description Explanation of the figures, or the problem */
            why: string;
            evidence: components["schemas"]["BenchmarkEvidence"] | null;
        };
        BenchmarkEvidence: {
            baseline: {
                arm: string;
                /** @description Bytes of WAL for each unit of work */
                wal_bytes_per_unit: number | null;
                /** @description Bytes of tables for each unit of work */
                table_bytes_per_unit: number | null;
                /** @description Bytes of indexes for each unit of work */
                index_bytes_per_unit: number | null;
                /** @description Shared buffers touched by one execution of its query */
                buffers: number | null;
                /** @description Buffers that were not found in shared buffers */
                buffers_read: number | null;
                /** @description Equal for equal plans */
                plan_hash: string | null;
                plan: string | null;
                /** @description Tables and partitions the plan scans */
                relations_scanned: number | null;
                /** @description Partitions that the plan need not scan */
                partitions_pruned: number | null;
                /** @description Share of the samples of the case's sessions, by wait event; CPU: the session did not wait */
                waits: {
                    [key: string]: number;
                };
                /** @description Latency of single operations from their scheduled start */
                latency_ms: {
                    count: number;
                    p50: number;
                    p95: number;
                    p99: number;
                    p999: number;
                    max: number;
                } | null;
            };
            candidate: {
                arm: string;
                /** @description Bytes of WAL for each unit of work */
                wal_bytes_per_unit: number | null;
                /** @description Bytes of tables for each unit of work */
                table_bytes_per_unit: number | null;
                /** @description Bytes of indexes for each unit of work */
                index_bytes_per_unit: number | null;
                /** @description Shared buffers touched by one execution of its query */
                buffers: number | null;
                /** @description Buffers that were not found in shared buffers */
                buffers_read: number | null;
                /** @description Equal for equal plans */
                plan_hash: string | null;
                plan: string | null;
                /** @description Tables and partitions the plan scans */
                relations_scanned: number | null;
                /** @description Partitions that the plan need not scan */
                partitions_pruned: number | null;
                /** @description Share of the samples of the case's sessions, by wait event; CPU: the session did not wait */
                waits: {
                    [key: string]: number;
                };
                /** @description Latency of single operations from their scheduled start */
                latency_ms: {
                    count: number;
                    p50: number;
                    p95: number;
                    p99: number;
                    p999: number;
                    max: number;
                } | null;
            };
            /** @description Blocks measured again because the machine was disturbed */
            reruns: number;
            /** @description Disturbed blocks that were kept */
            disturbed: number;
            /** @description Error probability of this interval; all analyses of a case share 0.05 */
            alpha: number;
        };
        BenchmarkStart: {
            /** @description Ids of cases; all by default */
            cases?: string[];
            profile?: components["schemas"]["BenchmarkProfile"];
            /**
             * @description Run although the server is busy
             * @default false
             */
            force: boolean;
        };
        BenchmarkRunList: {
            runs: components["schemas"]["BenchmarkRun"][];
            next_cursor: string | null;
        };
        BenchmarkHistory: {
            history: {
                case: string;
                target_unit: components["schemas"]["BenchmarkTargetUnit"];
                /** @description Oldest first */
                points: {
                    /** Format: uuid */
                    run_id: string;
                    /**
                     * Format: date-time
                     * @example 2026-01-31T09:30:00Z
                     */
                    measured_at: string;
                    profile: components["schemas"]["BenchmarkProfile"];
                    /** @description Median of the baseline, in the unit of the case */
                    baseline: number | null;
                    /** @description Median of the candidate */
                    candidate: number | null;
                    improvement: number;
                    ci_low: number;
                    ci_high: number;
                    verdict: components["schemas"]["BenchmarkVerdict"];
                }[];
                /** @description Where the level of the improvement changed */
                changes: {
                    /**
                     * Format: uuid
                     * @description The first run of the new level
                     */
                    run_id: string;
                    /**
                     * Format: date-time
                     * @example 2026-01-31T09:30:00Z
                     */
                    measured_at: string;
                    before: number;
                    after: number;
                    /** @description Probability of an equally clear change by chance */
                    p: number;
                }[];
            }[];
            next_cursor: string | null;
        };
        BenchmarkValidation: {
            /** @description True only when every target is met */
            passed: boolean;
            targets: {
                category: components["schemas"]["BenchmarkCategory"];
                target: number;
                target_unit: components["schemas"]["BenchmarkTargetUnit"];
                /** @description Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much; for a capacity, the capacity itself (`target_unit`) */
                improvement: number | null;
                /** @description Lower bound of the 95 % interval of `improvement` */
                ci_low: number | null;
                /** @description Upper bound of the 95 % interval of `improvement` */
                ci_high: number | null;
                verdict: components["schemas"]["BenchmarkVerdict"];
                /** Format: uuid */
                run_id: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                measured_at: string | null;
            }[];
        };
        TokenList: {
            tokens: components["schemas"]["TokenInfo"][];
            next_cursor: string | null;
        };
        TokenInfo: {
            id: string;
            name: string;
            /** @enum {string} */
            scope: "read" | "ingest" | "operate" | "admin";
            /**
             * @description setting: from the settings; file: created by this API or `deno task token`
             * @enum {string}
             */
            source: "setting" | "file";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            created_at: string | null;
            created_by: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            expires_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            last_used_at: string | null;
            /** @description The address */
            last_used_from: string | null;
        };
        CreatedToken: {
            token: components["schemas"]["TokenInfo"];
            secret: string;
        };
        AuditList: {
            entries: {
                /**
                 * Format: uuid
                 * @description Request id of the first of the requests, as in the log
                 */
                request_id: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T09:30:00Z
                 */
                at: string;
                /**
                 * Format: date-time
                 * @description When the last of the requests was answered
                 * @example 2026-01-31T09:30:00Z
                 */
                until: string;
                /** @description Number of equal requests: tick uploads, and requests answered 4xx, are summed to one entry a minute */
                requests: number;
                /**
                 * @description open: this server required no token
                 * @enum {string}
                 */
                via: "token" | "session" | "open";
                /** @description Name of the token, or of the token that the session was opened with */
                actor: string;
                /** @description Id of the token; empty if no token was required */
                actor_id: string;
                /** @enum {string} */
                scope: "read" | "ingest" | "operate" | "admin";
                /** @description The operationId */
                operation: string;
                method: string;
                path: string;
                /** @description HTTP status of the answer */
                status: number;
                /** @description Address of the client */
                address: string;
                /** @description The instance that answered the request */
                instance: string;
            }[];
            next_cursor: string | null;
            /** @description Entries in memory that are not in the database yet */
            waiting: number;
            /** @description Entries since the start that exist in the log only */
            lost: number;
        };
        OperationList: {
            operations: components["schemas"]["Operation"][];
            next_cursor: string | null;
        };
        Rehearsal: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            status: "queued" | "restoring" | "warming" | "baseline" | "changing" | "candidate" | "done" | "failed" | "aborted";
            /** @enum {string} */
            profile: "quick" | "full";
            /** @enum {string} */
            source: "sql" | "settings" | "recommendation" | "policy" | "upgrade";
            change: string;
            recommendation: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            finished_at: string | null;
            /** @description The current step */
            step: string | null;
            seed: number;
            copy: components["schemas"]["RehearsalCopy"] | null;
            /** @enum {string|null} */
            verdict: "worth_it" | "not_worth_it" | "harmful" | "cannot_tell" | null;
            /** @description The verdict and its reason in one line */
            summary: string | null;
            coverage: {
                statements: number;
                of: number;
                /** @description Share of all statements' time that was replayed, 0 to 1 */
                time_share: number;
            };
            statements: components["schemas"]["RehearsedStatement"][];
            uncovered: {
                query: string;
                share: number;
                reason: string;
            }[];
            cost: components["schemas"]["RehearsalCost"] | null;
            upgrade: components["schemas"]["RehearsedUpgrade"] | null;
            /** @description Indexes that the replayed statements lack; /api/health/database recommends them, and each can be rehearsed */
            candidates: components["schemas"]["IndexCandidate"][];
            problems: string[];
        };
        RehearsalCopy: {
            /** @enum {string} */
            kind: "physical" | "sampled";
            backup: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00Z
             */
            taken_at: string;
            server_version: number;
            bytes: number;
            /** @description Share of the rows that were copied, 0 to 1 */
            sample_share: number;
        };
        RehearsedStatement: {
            query: string;
            query_id: string | null;
            /** @enum {string} */
            kind: "read" | "write";
            /** @description Share of all statements' time, 0 to 1 */
            share: number;
            /**
             * @description Source of the parameter values: given in the workload, observed in a session, or drawn from the statistics of the columns
             * @enum {string}
             */
            params: "none" | "given" | "observed" | "drawn";
            /** @description Sets of values in each run */
            variants: number;
            /** @description Median time of one execution before the change; null: not measured */
            before_ms: number | null;
            /** @description Median time of one execution after the change; null: not measured */
            after_ms: number | null;
            /** @description Throughput after divided by before, minus one: 0.3 is 30 % more in the same time; null: not measured */
            improvement: number | null;
            /** @description Lower bound of the interval of `improvement`, which the difference of the copies before the change has widened; all intervals together hold with 95 %; null: not measured */
            ci_low: number | null;
            /** @description Upper bound of the interval of `improvement`; null: not measured */
            ci_high: number | null;
            /** @description Lower bound of the difference of the two copies before the change; null: not measured */
            null_ci_low: number | null;
            /** @description Upper bound of the difference of the two copies before the change; null: not measured */
            null_ci_high: number | null;
            /** @enum {string} */
            verdict: "improved" | "worse" | "no_difference" | "unclear" | "not_measured";
            why: string;
            plan_before: string | null;
            plan_after: string | null;
            plan_changed: boolean;
            plan_difference: string[];
            /** @description Nodes of the plan that needs no parameter values, before the change: comparable between backups */
            generic_plan: string | null;
            /** @description The planner's estimate of what `generic_plan` costs, in its units */
            generic_cost: number | null;
            /** @description Pages that one execution read before the change; null: not measured */
            buffers_before: number | null;
            /** @description Pages that one execution read after the change; null: not measured */
            buffers_after: number | null;
        };
        RehearsalCost: {
            seconds: number;
            locks: {
                lock: string;
                relation: string;
                held_ms: number;
                /** @description Clients that waited for the lock: readers, writers */
                blocked: string[];
            }[];
            /** @description Longest read or write of a touched table during the change */
            worst_stall_ms: number;
            reader_stall_ms: number;
            writer_stall_ms: number;
            /** @description Growth of the database */
            bytes: number;
            wal_bytes: number;
            /** @description Rate of inserts after divided by before, minus one; null: not measured */
            write_improvement: number | null;
            /** @description Lower bound of the interval of `write_improvement`; null: not measured */
            write_ci_low: number | null;
            /** @description Upper bound of the interval of `write_improvement`; null: not measured */
            write_ci_high: number | null;
            /** @description Tables that were read and written during the change */
            tables: string[];
        };
        RehearsedUpgrade: {
            from_major: number;
            to_major: number;
            tables: number;
            /** @description Rows that were compared by count and SHA-256 of each table, and are equal */
            rows: number;
            /** @description Duration of the move by dump and copy, without the comparison */
            seconds: number;
            schema_seconds: number;
            rows_seconds: number;
            /** @description Of indexes, constraints and triggers */
            indexes_seconds: number;
            statistics_seconds: number;
            /** @description Duration of the comparison of all rows */
            compare_seconds: number;
            /** @description Size of the database in the old version */
            bytes_before: number;
            /** @description Size of the database in the new version */
            bytes_after: number;
        };
        IndexCandidate: {
            /** @description Its id among the recommendations */
            id: string;
            title: string;
            detail: string;
            sql: string;
            lock?: string;
            risk?: string;
            /** @description The statement whose plan it was read from */
            query: string;
        };
        RehearsalStart: {
            /**
             * @description One or several statements, also with CONCURRENTLY
             * @example create index concurrently on market.ticks (exchange, ts)
             */
            sql?: string;
            /**
             * @description Server settings by name
             * @example {
             *       "work_mem": "64MB"
             *     }
             */
            settings?: {
                [key: string]: string | number | boolean;
            };
            /** @description Id of a recommendation in /api/health/database */
            recommendation?: string;
            policy?: {
                /** @description A plain table, as schema.name, to convert into a partitioned one */
                table: string;
                key_column: string;
                policy: components["schemas"]["PartitionPolicyInput"];
            };
            /**
             * @description Rehearses the upgrade to a newer major version: the directory with its pg_ctl, initdb and postgres, writable by their owner only; or `embedded`, the Postgres that Holdfast brings
             * @example /usr/lib/postgresql/18/bin
             */
            to_bin?: string;
            /** @description Statements to replay. Default: those of pg_stat_statements that took most time */
            workload?: {
                sql: string;
                /** @description Values of $1, $2 …: one set, or an array of sets */
                params?: (string | number | boolean | null | (string | number | boolean | null | (string | number | boolean | null)[])[])[];
            }[];
            /** @description The backup to restore. Default: the newest complete one */
            backup?: string;
            /**
             * @default quick
             * @enum {string}
             */
            profile: "quick" | "full";
        };
        RehearsalList: {
            rehearsals: components["schemas"]["Rehearsal"][];
            next_cursor: string | null;
        };
        SettingList: {
            settings: {
                name: string;
                /** @description Value as JSON; null: not set, or hidden because it may hold a secret */
                value: string | null;
                /** @description Default as JSON; null: none */
                default: string | null;
                /** @enum {string} */
                source: "default" | "set";
                hidden: boolean;
                about: string;
                allowed: string;
            }[];
            next_cursor: string | null;
        };
    };
    responses: {
        /** @description Invalid request */
        Problem400_invalid_request: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 400;
                    /** @enum {string} */
                    code?: "invalid_request";
                };
            };
        };
        /** @description Forbidden */
        Problem403_forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 403;
                    /** @enum {string} */
                    code?: "forbidden";
                };
            };
        };
        /** @description Request timeout */
        Problem408_request_timeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 408;
                    /** @enum {string} */
                    code?: "request_timeout";
                };
            };
        };
        /** @description Request target too long */
        Problem414_target_too_long: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 414;
                    /** @enum {string} */
                    code?: "target_too_long";
                };
            };
        };
        /** @description Expectation failed */
        Problem417_expectation_failed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 417;
                    /** @enum {string} */
                    code?: "expectation_failed";
                };
            };
        };
        /** @description Request head too large */
        Problem431_head_too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 431;
                    /** @enum {string} */
                    code?: "head_too_large";
                };
            };
        };
        /** @description Internal error */
        Problem500_internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 500;
                    /** @enum {string} */
                    code?: "internal";
                };
            };
        };
        /** @description Shutting down; Too many connections */
        Problem503_shutting_down_too_many_connections: {
            headers: {
                /** @description Seconds to wait before the same request is sent again */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 503;
                    /** @enum {string} */
                    code?: "shutting_down" | "too_many_connections";
                };
            };
        };
        /** @description Unauthorized */
        Problem401_unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 401;
                    /** @enum {string} */
                    code?: "unauthorized";
                };
            };
        };
        /** @description Rate limited */
        Problem429_rate_limited: {
            headers: {
                /** @description Seconds to wait before the same request is sent again */
                "Retry-After"?: number;
                /** @description Name of the limit, number of requests and window in seconds (draft-ietf-httpapi-ratelimit-headers-10) */
                "RateLimit-Policy"?: string;
                /** @description Remaining requests, and the seconds until the limit is reset */
                RateLimit?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 429;
                    /** @enum {string} */
                    code?: "rate_limited";
                };
            };
        };
        /** @description Database unavailable; Shutting down; Too many connections */
        Problem503_database_unavailable_shutting_down_too_many_connections: {
            headers: {
                /** @description Seconds to wait before the same request is sent again */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 503;
                    /** @enum {string} */
                    code?: "database_unavailable" | "shutting_down" | "too_many_connections";
                };
            };
        };
        /** @description Deadline exceeded */
        Problem504_deadline_exceeded: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 504;
                    /** @enum {string} */
                    code?: "deadline_exceeded";
                };
            };
        };
        /** @description Not found */
        Problem404_not_found: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 404;
                    /** @enum {string} */
                    code?: "not_found";
                };
            };
        };
        /** @description Database error; Internal error */
        Problem500_database_error_internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 500;
                    /** @enum {string} */
                    code?: "database_error" | "internal";
                };
            };
        };
        /** @description Database is read-only; Database unavailable; Lock timeout; Overloaded; Shutting down; Too many connections */
        Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections: {
            headers: {
                /** @description Seconds to wait before the same request is sent again */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 503;
                    /** @enum {string} */
                    code?: "database_read_only" | "database_unavailable" | "lock_timeout" | "overloaded" | "shutting_down" | "too_many_connections";
                };
            };
        };
        /** @description Invalid request; Malformed body */
        Problem400_invalid_request_malformed_body: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 400;
                    /** @enum {string} */
                    code?: "invalid_request" | "malformed_body";
                };
            };
        };
        /** @description Request timeout; Upload stalled */
        Problem408_request_timeout_upload_stalled: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 408;
                    /** @enum {string} */
                    code?: "request_timeout" | "upload_stalled";
                };
            };
        };
        /** @description Conflict; Request in flight; Partition is sealed */
        Problem409_conflict_idempotency_in_flight_partition_sealed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "idempotency_in_flight" | "partition_sealed";
                };
            };
        };
        /** @description Body too large; Too many rows */
        Problem413_body_too_large_too_many_rows: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 413;
                    /** @enum {string} */
                    code?: "body_too_large" | "too_many_rows";
                };
            };
        };
        /** @description Unsupported content encoding; Unsupported media type */
        Problem415_unsupported_encoding_unsupported_media_type: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 415;
                    /** @enum {string} */
                    code?: "unsupported_encoding" | "unsupported_media_type";
                };
            };
        };
        /** @description Idempotency key reused; Too many partitions */
        Problem422_idempotency_key_reused_too_many_partitions: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 422;
                    /** @enum {string} */
                    code?: "idempotency_key_reused" | "too_many_partitions";
                };
            };
        };
        /** @description Storage full */
        Problem507_storage_full: {
            headers: {
                /** @description Seconds to wait before the same request is sent again */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 507;
                    /** @enum {string} */
                    code?: "storage_full";
                };
            };
        };
        /** @description Conflict; Request in flight; Outcome unknown */
        Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown";
                };
            };
        };
        /** @description Body too large */
        Problem413_body_too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 413;
                    /** @enum {string} */
                    code?: "body_too_large";
                };
            };
        };
        /** @description Unsupported media type */
        Problem415_unsupported_media_type: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 415;
                    /** @enum {string} */
                    code?: "unsupported_media_type";
                };
            };
        };
        /** @description Idempotency key reused */
        Problem422_idempotency_key_reused: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 422;
                    /** @enum {string} */
                    code?: "idempotency_key_reused";
                };
            };
        };
        /** @description Conflict; Request in flight; Outcome unknown; Symbol taken */
        Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_symbol_taken: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown" | "symbol_taken";
                };
            };
        };
        /** @description Conflict; Symbol taken */
        Problem409_conflict_symbol_taken: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "symbol_taken";
                };
            };
        };
        /** @description Precondition failed */
        Problem412_precondition_failed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 412;
                    /** @enum {string} */
                    code?: "precondition_failed";
                };
            };
        };
        /** @description Conflict; Instrument is referenced */
        Problem409_conflict_instrument_referenced: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "instrument_referenced";
                };
            };
        };
        /** @description Conflict */
        Problem409_conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict";
                };
            };
        };
        /** @description Conflict; Request in flight; Outcome unknown; Partition is sealed */
        Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_partition_sealed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown" | "partition_sealed";
                };
            };
        };
        /** @description Catalogue changed; Conflict; Request in flight; Outcome unknown */
        Problem409_catalogue_changed_conflict_idempotency_in_flight_idempotency_outcome_unknown: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "catalogue_changed" | "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown";
                };
            };
        };
        /** @description Backup running; Conflict; Request in flight; Outcome unknown */
        Problem409_backup_running_conflict_idempotency_in_flight_idempotency_outcome_unknown: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "backup_running" | "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown";
                };
            };
        };
        /** @description Backup running; Conflict */
        Problem409_backup_running_conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "backup_running" | "conflict";
                };
            };
        };
        /** @description Benchmark running; Conflict; Request in flight; Outcome unknown; Server busy */
        Problem409_benchmark_running_conflict_idempotency_in_flight_idempotency_outcome_unknown_server_busy: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "benchmark_running" | "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown" | "server_busy";
                };
            };
        };
        /** @description Conflict; Request in flight; Outcome unknown; Rehearsal running */
        Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_rehearsal_running: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {integer} */
                    status?: 409;
                    /** @enum {string} */
                    code?: "conflict" | "idempotency_in_flight" | "idempotency_outcome_unknown" | "rehearsal_running";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Healthy, degraded or unknown */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            /** @description Unhealthy */
            503: {
                headers: {
                    /** @description Seconds to wait before the same request is sent again */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process is alive */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Requests can be served */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            /** @description Requests cannot be served */
            503: {
                headers: {
                    /** @description Seconds to wait before the same request is sent again */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDatabaseHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The last reading, with its age */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatabaseHealthResponse"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getFeedHealth: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Counters since the start of this process, by symbol */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedsHealthResponse"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPerformanceHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One entry per category */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PerformanceImprovementMetrics"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_database_unavailable_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPartitionHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The last reading */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionHealthResponse"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTicks: {
        parameters: {
            query: {
                symbol: string;
                /** @description Included */
                from?: string;
                /** @description End, exclusive */
                to?: string;
                /** @description Rows per page: at most 10000, 1000 by default */
                limit?: number;
                order?: "asc" | "desc";
                /** @description Greatest staleness of an answer from a standby, in seconds; 0: read the primary. HOLDFAST_READ_STALENESS_SECONDS is the upper limit and the default */
                staleness_seconds?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of ticks */
            200: {
                headers: {
                    /** @description Only if HOLDFAST_READ_URLS is set: `standby` with the upper bound of its staleness and the bound in force, in seconds; or `primary`, with the reason if no standby could answer */
                    "Holdfast-Read-From"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TickList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storeTicks: {
        parameters: {
            query?: {
                /** @description Create instruments for unknown symbols */
                create?: "0" | "1" | "true" | "false";
                /** @description Accept ticks older than the horizon */
                backfill?: "0" | "1" | "true" | "false";
                /** @description FIELD=COLUMN pairs: the CSV column or JSON key that each field is read from, by name or by number from 1. `ts=date+time` joins two columns; `buyer_is_maker=COLUMN` derives the side. Other columns are ignored */
                columns?: string;
                /** @description The symbol of every row, if no column holds it */
                symbol?: string;
                /** @description The exchange of every row, if no column holds it */
                exchange?: string;
                /** @description Unit of numbers in ts, counted from 1970 */
                time_unit?: "s" | "ms" | "us" | "ns";
                /** @description Zone of times without an offset: UTC, an offset, or a name of the tz database */
                time_zone?: string;
                /** @description Order of year, month and day in dates; ymd by default */
                date_order?: "ymd" | "dmy" | "mdy";
                /** @description The format of an exchange's or a vendor's trades */
                preset?: "alpaca" | "binance-aggtrades" | "binance-trades" | "bitstamp" | "coinbase" | "databento" | "dukascopy" | "dukascopy-ask" | "dukascopy-bid" | "dukascopy-mid" | "firstrate" | "kibot" | "kraken" | "polygon" | "taq";
                /** @description Whether the first line of CSV names the columns; detected by default */
                header?: "true" | "false";
                /** @description Delimiter of CSV: a character, or comma, semicolon, tab, pipe, space; detected by default */
                delimiter?: string;
                /** @description Decimal mark of CSV */
                decimal?: "point" | "comma";
                /** @description Ignore columns that are not a field of a tick */
                ignore_unknown?: "true" | "false";
            };
            header?: {
                /** @description A repeated upload with the same key is stored once */
                "idempotency-key"?: string;
                "content-encoding"?: "gzip" | "identity";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTick"][];
                "application/x-ndjson": string;
                "text/csv": string;
            };
        };
        responses: {
            /** @description What was stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestAnswer"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_partition_sealed"];
            413: components["responses"]["Problem413_body_too_large_too_many_rows"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_encoding_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused_too_many_partitions"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rebuildCandles: {
        parameters: {
            query?: {
                /** @description Count the differences without changing anything */
                dry_run?: "true" | "false";
            };
            header?: {
                /** @description respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most 60). Default: 25 seconds */
                prefer?: string;
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CandleRebuildRequest"];
            };
        };
        responses: {
            /** @description What differed; corrected unless it was a dry run */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CandleRebuildAnswer"];
                };
            };
            /** @description The work continues; request the operation that Location names */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listCandles: {
        parameters: {
            query: {
                symbol: string;
                interval?: "1m" | "5m" | "15m" | "1h" | "1d";
                /** @description Included */
                from?: string;
                /** @description End, exclusive */
                to?: string;
                /** @description Rows per page: at most 10000, 1000 by default */
                limit?: number;
                /** @description Greatest staleness of an answer from a standby, in seconds; 0: read the primary. HOLDFAST_READ_STALENESS_SECONDS is the upper limit and the default */
                staleness_seconds?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of candles, oldest first */
            200: {
                headers: {
                    /** @description Only if HOLDFAST_READ_URLS is set: `standby` with the upper bound of its staleness and the bound in force, in seconds; or `primary`, with the reason if no standby could answer */
                    "Holdfast-Read-From"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CandleList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listInstances: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The instances, their start, and the scheduled work that each does for all */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstanceList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listDatabases: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was last read of each, with its age */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatabaseList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listInstruments: {
        parameters: {
            query?: {
                symbol?: string;
                /** @description Include deleted instruments */
                deleted?: "0" | "1" | "true" | "false";
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: {
                /** @description ETags that the client has; the answer is 304 if the present one is among them */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of instruments */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstrumentList"];
                };
            };
            /** @description Unchanged: the client has the present representation */
            304: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createInstrument: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewInstrument"];
            };
        };
        responses: {
            /** @description The new instrument; Location names it */
            201: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instrument"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_symbol_taken"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getInstrument: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that the client has; the answer is 304 if the present one is among them */
                "If-None-Match"?: string;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The instrument */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instrument"];
                };
            };
            /** @description Unchanged: the client has the present representation */
            304: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteInstrument: {
        parameters: {
            query?: {
                /** @description Delete it permanently; 409 while a tick refers to it */
                purge?: "0" | "1" | "true" | "false";
            };
            header?: {
                /** @description The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412 */
                "If-Match"?: string;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The soft-deleted instrument */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instrument"];
                };
            };
            /** @description Purged */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_instrument_referenced"];
            412: components["responses"]["Problem412_precondition_failed"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateInstrument: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412 */
                "If-Match"?: string;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InstrumentPatch"];
            };
        };
        responses: {
            /** @description The changed instrument */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instrument"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_symbol_taken"];
            412: components["responses"]["Problem412_precondition_failed"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restoreInstrument: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The restored instrument */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instrument"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_symbol_taken"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getExactness: {
        parameters: {
            query: {
                symbol: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Result of comparing the newest prices with the tick size */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Exactness"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listQuarantine: {
        parameters: {
            query?: {
                reason?: string;
                symbol?: string;
                /** @description Rows that arrived at this time or later */
                from?: string;
                /** @description Rows that arrived before this time */
                to?: string;
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of quarantined rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuarantineList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    purgeQuarantine: {
        parameters: {
            query?: {
                reason?: string;
                symbol?: string;
                /** @description Rows that arrived before this time */
                before?: string;
                /** @description Required to delete all rows without a filter */
                all?: "0" | "1" | "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Number of deleted rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuarantinePurgeAnswer"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryQuarantine: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuarantineBulkRetryRequest"];
            };
        };
        responses: {
            /** @description The outcome, after commit */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuarantineBulkRetryAnswer"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_partition_sealed"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused_too_many_partitions"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryQuarantinedRow: {
        parameters: {
            query?: {
                /** @description Create instruments for unknown symbols */
                create?: "0" | "1" | "true" | "false";
                /** @description Accept ticks older than the horizon */
                backfill?: "0" | "1" | "true" | "false";
            };
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["QuarantineRetryRequest"];
            };
        };
        responses: {
            /** @description The row is stored and removed from the quarantine; 409 if it is refused again */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestAnswer"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_partition_sealed"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused_too_many_partitions"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    discardQuarantinedRow: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The row is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPartitionedTables: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of managed tables, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionTableList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPartitionPolicies: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: {
                /** @description ETags that the client has; the answer is 304 if the present one is among them */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of policies, by table */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionPolicyList"];
                };
            };
            /** @description Unchanged: the client has the present representation */
            304: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPartitionPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that the client has; the answer is 304 if the present one is among them */
                "If-None-Match"?: string;
            };
            path: {
                /** @description schema.name, unquoted */
                table: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionPolicy"];
                };
            };
            /** @description Unchanged: the client has the present representation */
            304: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setPartitionPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412 */
                "If-Match"?: string;
                /** @description *: create the policy only if there is none; otherwise 412 */
                "If-None-Match"?: string;
            };
            path: {
                /** @description schema.name, unquoted */
                table: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PartitionPolicyInput"];
            };
        };
        responses: {
            /** @description The policy, its intervals as Postgres writes them */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionPolicy"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict"];
            412: components["responses"]["Problem412_precondition_failed"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deletePartitionPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412 */
                "If-Match"?: string;
            };
            path: {
                /** @description schema.name, unquoted */
                table: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The table is not managed any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            412: components["responses"]["Problem412_precondition_failed"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    planPartitions: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PartitionPlanRequest"];
            };
        };
        responses: {
            /** @description The plan and its digest */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionPlan"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    applyPartitionPlan: {
        parameters: {
            query?: never;
            header?: {
                /** @description respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most 60). Default: 25 seconds */
                prefer?: string;
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PartitionApplyRequest"];
            };
        };
        responses: {
            /** @description What was done, and what was skipped and why */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionApplyAnswer"];
                };
            };
            /** @description The work continues; request the operation that Location names */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_catalogue_changed_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPartitionLog: {
        parameters: {
            query?: {
                /** @description schema.name, unquoted */
                table?: string;
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the maintenance log */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceLog"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConversions: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of conversions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionConversionList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getConversion: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The conversion */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionConversion"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    convertTable: {
        parameters: {
            query?: {
                /** @description Plan a conversion; changes nothing */
                dry_run?: "true" | "false";
            };
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PartitionConvertRequest"];
            };
        };
        responses: {
            /** @description The plan; nothing was changed */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionConversionAnswer"];
                };
            };
            /** @description The conversion has begun or was redirected; it continues in the background */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionConversionAnswer"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_catalogue_changed_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPartitionVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its progress or its result */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionVerification"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startPartitionVerification: {
        parameters: {
            query?: never;
            header?: {
                /** @description respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most 60). Default: 25 seconds */
                prefer?: string;
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PartitionVerifyRequest"];
            };
        };
        responses: {
            /** @description What was found */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionVerification"];
                };
            };
            /** @description The verification continues; GET the same path for its progress */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionVerification"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPartitionManifest: {
        parameters: {
            query: {
                /** @description schema.name, unquoted */
                table: string;
                /** @description The leaf's name, with or without its schema */
                partition: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The manifest */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionManifest"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unsealPartition: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PartitionUnsealRequest"];
            };
        };
        responses: {
            /** @description The partition accepts writes */
            204: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listArchives: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
                /** @description schema.name, unquoted */
                table?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of archives */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionArchiveList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restoreArchive: {
        parameters: {
            query?: never;
            header?: {
                /** @description respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most 60). Default: 25 seconds */
                prefer?: string;
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PartitionRestoreRequest"];
            };
        };
        responses: {
            /** @description The partition is attached and sealed; its content equals the manifest */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartitionRestored"];
                };
            };
            /** @description The work continues; request the operation that Location names */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAlerts: {
        parameters: {
            query?: {
                state?: "pending" | "firing" | "resolved";
                /** @description The name of a database, or `*` for all of this process; default: the database of the path */
                database?: string;
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of alerts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAlertRules: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: {
                /** @description ETags that the client has; the answer is 304 if the present one is among them */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of rules */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRuleList"];
                };
            };
            /** @description Unchanged: the client has the present representation */
            304: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeAlertRules: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the last read; if the resource has changed since, nothing is done and the answer is 412 */
                "If-Match"?: string;
                /** @description *: create the policy only if there is none; otherwise 412 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertRuleChanges"];
            };
        };
        responses: {
            /** @description All rules after the change */
            200: {
                headers: {
                    /** @description The tag of this representation, for If-Match and If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRuleList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict"];
            412: components["responses"]["Problem412_precondition_failed"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    acknowledgeAlert: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Who acknowledges it; stored with the role of the request */
                    by?: string;
                };
            };
        };
        responses: {
            /** @description The acknowledged alert */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedAlert"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSilences: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of silences */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertSilenceList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSilence: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertSilenceRequest"];
            };
        };
        responses: {
            /** @description The silence */
            201: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertSilence"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endSilence: {
        parameters: {
            query: {
                id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The silence, ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertSilence"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listChannels: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of channels, without their secrets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertChannelList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    testChannel: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The outcome */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertChannelTest"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                /** @description Only this delivery; 404 if it does not exist */
                id?: string;
                channel?: string;
                state?: "queued" | "delivered" | "dead";
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of deliveries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertDeliveryList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryDelivery: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery, in the queue */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertDelivery"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rehearseAlertRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertRehearsalRequest"];
            };
        };
        responses: {
            /** @description The alerts that would have fired */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRehearsal"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAlert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The alert, explained */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExplainedAlert"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLocks: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The blocking trees, as last read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockTree"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, 200 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sessions of clients and autovacuum workers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelStatement: {
        parameters: {
            query?: {
                /** @description From GET /api/locks: protects a later session with the same pid */
                backend_start?: string;
            };
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                pid: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statement was cancelled */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignalledSession"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    terminateSession: {
        parameters: {
            query?: {
                /** @description From GET /api/locks: protects a later session with the same pid */
                backend_start?: string;
            };
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                pid: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session was terminated */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignalledSession"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listQueries: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, 50 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
                /** @description By the last quarter of an hour, or by all since the statistics began */
                order?: "recent" | "total";
                /** @description io: blocks read and temporary blocks written */
                by?: "time" | "calls" | "io";
                /** @description Only statements that have become slower */
                slower?: "0" | "1" | "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The most expensive first, as last read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listIndexes: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 10000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The largest first, as last read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IndexList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStatement: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The query_id of GET /api/queries */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statement, as last read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatementReport"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStatementHistory: {
        parameters: {
            query?: {
                /** @description Default: an hour before `to` */
                from?: string;
                to?: string;
                /** @description Seconds per point; larger if no finer points are kept */
                step?: number;
            };
            header?: never;
            path: {
                /** @description The query_id of GET /api/queries */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sums of each interval, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatementHistory"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStatementPlan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The query_id of GET /api/queries */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The plan, or why there is none */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatementPlan"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listChanges: {
        parameters: {
            query?: {
                /** @description Default: a day before `to` */
                from?: string;
                to?: string;
                /** @description Rows per page: at most 500, 200 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The changes in the range */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createMark: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example deploy 2026.11.27-1 */
                    text: string;
                };
            };
        };
        responses: {
            /** @description The mark */
            201: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerChange"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listIncidents: {
        parameters: {
            query?: {
                /** @description The name of a database, or `*` for all of this process; default: the database of the path */
                database?: string;
                /** @description Rows per page: at most 200, 50 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of incidents */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getIncident: {
        parameters: {
            query?: {
                /** @description The name of a database; default: the database of the path */
                database?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Incident"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMetrics: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 10000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Metrics with value and status */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMoves: {
        parameters: {
            query: {
                from: string;
                to: string;
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics with the greatest changes first, without those within the usual spread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MoveList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMetric: {
        parameters: {
            query?: {
                /** @description Default: an hour before `to` */
                from?: string;
                to?: string;
                /** @description Seconds per point; larger if no finer points are kept */
                step?: number;
                /** @description Table, slot or other object; empty: the server */
                scope?: string;
                /** @description The name of a database; default: the database of the path */
                database?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Points, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricSeries"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getExposition: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Metrics from the last snapshot: a scrape does not read the database */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                    "application/openmetrics-text": string;
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBackups: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of backups */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startBackup: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["BackupStart"];
            };
        };
        responses: {
            /** @description The running backup */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backup"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_backup_running_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBackup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The backup */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backup"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteBackup: {
        parameters: {
            query?: {
                force?: "0" | "1" | "true" | "false";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The backup was removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_backup_running_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verifyBackup: {
        parameters: {
            query?: never;
            header?: {
                /** @description respond-async: answer 202 at once. wait=n: answer 202 after n seconds (at most 60). Default: 25 seconds */
                prefer?: string;
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["BackupCheck"];
            };
        };
        responses: {
            /** @description The checked backup */
            200: {
                headers: {
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backup"];
                };
            };
            /** @description The check is still running: poll the backup until its progress is null */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backup"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_backup_running_conflict_idempotency_in_flight_idempotency_outcome_unknown"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBenchmarkCases: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of cases */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkCaseList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBenchmarkRuns: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 100, 20 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkRunList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startBenchmarkRun: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BenchmarkStart"];
            };
        };
        responses: {
            /** @description The run, which is running */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkRun"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_benchmark_running_conflict_idempotency_in_flight_idempotency_outcome_unknown_server_busy"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBenchmarkRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkRun"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    abortBenchmarkRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run, which has ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkRun"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBenchmarkHistory: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
                case?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Each case with its points and changes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkHistory"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBenchmarkReport: {
        parameters: {
            query?: {
                format?: "html" | "markdown";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "text/markdown": string;
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBenchmarkValidation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All targets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkValidation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The client's token and scope */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Whether this server requires a token */
                        required: boolean;
                        /**
                         * @description What the token or session may do; null without one
                         * @enum {string|null}
                         */
                        role: "read" | "ingest" | "operate" | "admin" | null;
                        /** @description Name of the token, or of the token that the session was opened with */
                        name: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                };
            };
        };
        responses: {
            /** @description Logged in; the cookie is set */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    /**
                     * @description `ingest` and `operate` include `read`; `admin` includes all, and alone manages tokens
                     * @enum {string}
                     */
                    scope: "read" | "ingest" | "operate" | "admin";
                    /** @description Days until the token expires; default: valid until it is revoked */
                    expires_in_days?: number;
                };
            };
        };
        responses: {
            /** @description The token and its secret */
            201: {
                headers: {
                    /** @description Path at which the token can be revoked */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_internal"];
            503: components["responses"]["Problem503_shutting_down_too_many_connections"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description Included */
                from?: string;
                /** @description End, exclusive */
                to?: string;
                actor?: string;
                operation?: string;
                /** @description Rows per page: at most 500, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listOperations: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, 100 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of operations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    abortOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The aborted operation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description It still runs; problems states what it must finish first */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listRehearsals: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 100, 20 by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of rehearsals */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RehearsalList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startRehearsal: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RehearsalStart"];
            };
        };
        responses: {
            /** @description The running rehearsal */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rehearsal"];
                };
            };
            400: components["responses"]["Problem400_invalid_request_malformed_body"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout_upload_stalled"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_rehearsal_running"];
            413: components["responses"]["Problem413_body_too_large"];
            414: components["responses"]["Problem414_target_too_long"];
            415: components["responses"]["Problem415_unsupported_media_type"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rehearseRecommendation: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key is not carried out again and gets the first answer */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of a recommendation in /api/health/database */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The running rehearsal */
            202: {
                headers: {
                    /** @description Path that returns the progress */
                    Location: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After": string;
                    /** @description true: a repeated answer to the same Idempotency-Key */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rehearsal"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict_idempotency_in_flight_idempotency_outcome_unknown_rehearsal_running"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            422: components["responses"]["Problem422_idempotency_key_reused"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRehearsal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rehearsal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rehearsal"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    abortRehearsal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The ended rehearsal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rehearsal"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            409: components["responses"]["Problem409_conflict"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            507: components["responses"]["Problem507_storage_full"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRehearsalReport: {
        parameters: {
            query?: {
                format?: "html" | "markdown";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "text/markdown": string;
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            404: components["responses"]["Problem404_not_found"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSettings: {
        parameters: {
            query?: {
                /** @description Rows per page: at most 1000, and as many by default */
                limit?: number;
                /** @description The next_cursor of the previous page, unchanged; any other text is refused */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingList"];
                };
            };
            400: components["responses"]["Problem400_invalid_request"];
            401: components["responses"]["Problem401_unauthorized"];
            403: components["responses"]["Problem403_forbidden"];
            408: components["responses"]["Problem408_request_timeout"];
            414: components["responses"]["Problem414_target_too_long"];
            417: components["responses"]["Problem417_expectation_failed"];
            429: components["responses"]["Problem429_rate_limited"];
            431: components["responses"]["Problem431_head_too_large"];
            500: components["responses"]["Problem500_database_error_internal"];
            503: components["responses"]["Problem503_database_read_only_database_unavailable_lock_timeout_overloaded_shutting_down_too_many_connections"];
            504: components["responses"]["Problem504_deadline_exceeded"];
            /** @description A problem document (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
