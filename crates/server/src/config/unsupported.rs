//! The options of `mongod` that we do not have, so that they are refused by name and with a way out,
//! not as misspellings. From the reference of configuration options in MongoDB's and Percona's manuals.

/// An option or, with `*` at its end, a family of options.
struct Row {
    path: &'static str,
    flag: &'static str,
    reason: &'static str,
}

const fn row(path: &'static str, flag: &'static str, reason: &'static str) -> Row {
    Row { path, flag, reason }
}

/// "Not yet", which the message says by itself.
const LATER: &str = "";
const ENGINE: &str = "Strongroom has one storage engine, which has no such setting: remove it";
const NO_INI: &str =
    "it belongs to the mongos or to a version of mongod that is long gone: remove it";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("systemLog.traceAllExceptions", "traceExceptions", LATER),
    row("systemLog.syslogFacility", "syslogFacility", LATER),
    row("systemLog.component.*", "", "use systemLog.verbosity, which holds for all components"),
    row("", "syslog", "write to standard output and let the supervisor forward it"),

    row("processManagement.timeZoneInfo", "timeZoneInfo", "Strongroom reads no time zone files: remove it"),
    row("processManagement.windowsService.*", "", LATER),
    row("", "shutdown", "send SIGTERM to the process, or run the shutdown command"),

    row("cloud.*", "", LATER),

    row("net.wireObjectCheck", "objcheck", "every document from a client is checked: remove it"),
    row("", "noobjcheck", "every document from a client is checked: remove it"),
    row("net.unixDomainSocket.*", "filePermissions", LATER),
    row("", "nounixsocket", "Strongroom listens on TCP only: remove it"),
    row("", "unixSocketPrefix", "Strongroom listens on TCP only: remove it"),
    row("net.tls.*", "tls*", "TLS towards clients does not exist yet: keep the server on a trusted network, or put a TLS proxy before it"),
    row("net.ssl.*", "ssl*", "TLS towards clients does not exist yet: keep the server on a trusted network, or put a TLS proxy before it"),
    row("net.compression.*", "networkMessageCompressors", LATER),
    row("net.serviceExecutor", "serviceExecutor", LATER),
    row("net.listenBacklog", "listenBacklog", LATER),
    row("net.maxIncomingConnectionsOverride", "maxConnsOverride", LATER),
    row("net.proxyPort", "proxyPort", LATER),
    row("net.http.*", "httpinterface", NO_INI),

    row("security.keyFile", "keyFile", LATER),
    row("security.clusterAuthMode", "clusterAuthMode", LATER),
    row("", "auth", "users and roles do not exist yet: keep the server on a trusted network"),
    row("", "noauth", "there is no authentication yet that it could turn off: remove it"),
    row("security.transitionToAuth", "transitionToAuth", LATER),
    row("security.javascriptEnabled", "noscripting", "Strongroom never runs JavaScript: remove it"),
    row("security.redactClientLogData", "redactClientLogData", LATER),
    row("security.clusterIpSourceAllowlist", "clusterIpSourceAllowlist", LATER),
    row("security.clusterIpSourceWhitelist", "clusterIpSourceWhitelist", LATER),
    row("security.sasl.*", "", LATER),
    row("security.ldap.*", "ldap*", LATER),
    row("security.vault.*", "vault*", "keys come from a KMIP server or a key file; Vault Enterprise serves KMIP: use security.kmip"),
    row("security.kmip.clientCertificateSelector", "kmipClientCertificateSelector", "give the certificate as a PEM file with security.kmip.clientCertificateFile"),

    row("storage.engine", "storageEngine", ENGINE),
    row("storage.wiredTiger.*", "wiredTiger*", ENGINE),
    row("storage.inMemory.*", "inMemory*", ENGINE),
    row("storage.mmapv1.*", "", ENGINE),
    row("storage.rocksdb.*", "rocksdb*", ENGINE),
    row("storage.directoryPerDB", "directoryperdb", "every database has a directory of its own already: remove it"),
    row("storage.syncPeriodSecs", "syncdelay", ENGINE),
    row("storage.indexBuildRetry", "noIndexBuildRetry", LATER),
    row("storage.oplogMinRetentionHours", "oplogMinRetentionHours", LATER),
    row("storage.repairPath", "repairpath", ENGINE),
    row("", "journal", "the journal is always on: remove it"),
    row("", "nojournal", "the journal cannot be turned off: remove it"),
    row("", "repair", ENGINE),
    row("", "upgrade", ENGINE),
    row("", "restore", ENGINE),
    row("", "magicRestore", LATER),

    row("operationProfiling.*", "profile", LATER),
    row("", "slowms", LATER),
    row("", "slowOpSampleRate", LATER),
    row("", "rateLimit", LATER),
    row("replication.*", "replSet", "a server stands alone for now"),
    row("", "oplogSize", "a server stands alone for now"),
    row("", "enableMajorityReadConcern", "a server stands alone for now"),
    row("sharding.*", "shardsvr", "a server stands alone for now"),
    row("", "configsvr", "a server stands alone for now"),
    row("", "maintenanceMode", LATER),
    row("auditLog.*", "audit*", LATER),
    row("snmp.*", "snmp*", LATER),
    row("", "sysinfo", LATER),
    row("", "networkMessageCompressors", LATER),
    row("", "outputConfig", LATER),
    row("", "configExpand", "write the values into the file"),
    row("", "cpu", NO_INI),
];

fn covers(pattern: &str, name: &str) -> bool {
    if pattern.is_empty() {
        return false;
    }
    match pattern.strip_suffix('*') {
        // `replication.*` covers `replication` itself, too: as a scalar it is no section of ours.
        Some(prefix) => name.starts_with(prefix) || prefix.strip_suffix('.') == Some(name),
        None => pattern == name,
    }
}

/// Why the key is refused, if `mongod` knows it. An empty reason means "not yet".
#[must_use]
pub(super) fn by_path(path: &str) -> Option<&'static str> {
    ROWS.iter()
        .find(|row| covers(row.path, path))
        .map(|row| row.reason)
}

/// Why the flag (without dashes) is refused, if `mongod` knows it.
#[must_use]
pub(super) fn by_flag(flag: &str) -> Option<&'static str> {
    ROWS.iter()
        .find(|row| covers(row.flag, flag))
        .map(|row| row.reason)
}

#[cfg(test)]
mod tests {
    use super::super::known;
    use super::*;

    #[test]
    fn nothing_is_both_supported_and_refused() {
        for row in ROWS {
            if !row.path.ends_with('*') {
                assert!(known::by_path(row.path).is_none(), "{}", row.path);
            }
            if !row.flag.ends_with('*') {
                assert!(
                    known::OPTIONS
                        .iter()
                        .all(|k| k.flag.is_empty() || k.flag != row.flag),
                    "{}",
                    row.flag
                );
            }
        }
    }

    #[test]
    fn families_cover_their_members() {
        assert!(by_path("replication.replSetName").is_some());
        assert!(by_path("replication").is_some());
        assert!(by_path("replicationX").is_none());
        assert!(by_flag("sslPEMKeyFile").is_some());
        assert!(by_flag("vaultServerName").is_some());
        assert!(by_flag("prot").is_none());
    }
}
