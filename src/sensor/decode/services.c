/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services: what well-known ports are for, by the names of IANA's registry of service names (RFC 6335). A small table:
 * the host's /etc/services is not read, so that events mean the same everywhere.
 */
#include "sensor/decode/parts.h"

#include <netinet/in.h>

enum { TCP = 1, UDP = 2, BOTH = TCP | UDP };

/* ascending */
static const struct {
	uint16_t port;
	uint8_t protocols;
	const char *name;
} services[] = {
	{ 7, BOTH, "echo" },
	{ 9, BOTH, "discard" },
	{ 13, BOTH, "daytime" },
	{ 19, BOTH, "chargen" },
	{ 20, TCP, "ftp-data" },
	{ 21, TCP, "ftp" },
	{ 22, TCP, "ssh" },
	{ 23, TCP, "telnet" },
	{ 25, TCP, "smtp" },
	{ 37, BOTH, "time" },
	{ 43, TCP, "whois" },
	{ 49, BOTH, "tacacs" },
	{ 53, BOTH, "domain" },
	{ 67, UDP, "bootps" },
	{ 68, UDP, "bootpc" },
	{ 69, UDP, "tftp" },
	{ 70, TCP, "gopher" },
	{ 79, TCP, "finger" },
	{ 80, BOTH, "http" },
	{ 88, BOTH, "kerberos" },
	{ 110, TCP, "pop3" },
	{ 111, BOTH, "sunrpc" },
	{ 113, TCP, "auth" },
	{ 119, TCP, "nntp" },
	{ 123, UDP, "ntp" },
	{ 137, UDP, "netbios-ns" },
	{ 138, UDP, "netbios-dgm" },
	{ 139, TCP, "netbios-ssn" },
	{ 143, TCP, "imap2" },
	{ 161, BOTH, "snmp" },
	{ 162, BOTH, "snmp-trap" },
	{ 179, TCP, "bgp" },
	{ 194, BOTH, "irc" },
	{ 389, BOTH, "ldap" },
	{ 427, BOTH, "svrloc" },
	{ 443, BOTH, "https" },
	{ 445, TCP, "microsoft-ds" },
	{ 464, BOTH, "kpasswd" },
	{ 465, TCP, "submissions" },
	{ 500, UDP, "isakmp" },
	{ 512, TCP, "exec" },
	{ 513, TCP, "login" },
	{ 514, TCP, "shell" },
	{ 514, UDP, "syslog" },
	{ 515, TCP, "printer" },
	{ 520, UDP, "route" },
	{ 546, UDP, "dhcpv6-client" },
	{ 547, UDP, "dhcpv6-server" },
	{ 554, BOTH, "rtsp" },
	{ 587, TCP, "submission" },
	{ 623, UDP, "asf-rmcp" },
	{ 631, BOTH, "ipp" },
	{ 636, BOTH, "ldaps" },
	{ 853, BOTH, "domain-s" },
	{ 873, TCP, "rsync" },
	{ 989, TCP, "ftps-data" },
	{ 990, TCP, "ftps" },
	{ 992, TCP, "telnets" },
	{ 993, TCP, "imaps" },
	{ 995, TCP, "pop3s" },
	{ 1080, TCP, "socks" },
	{ 1194, BOTH, "openvpn" },
	{ 1433, TCP, "ms-sql-s" },
	{ 1701, UDP, "l2f" },
	{ 1812, BOTH, "radius" },
	{ 1813, BOTH, "radius-acct" },
	{ 1883, TCP, "mqtt" },
	{ 2049, BOTH, "nfs" },
	{ 2379, TCP, "etcd-client" },
	{ 2380, TCP, "etcd-server" },
	{ 3128, TCP, "squid" },
	{ 3260, TCP, "iscsi-target" },
	{ 3306, TCP, "mysql" },
	{ 3389, TCP, "ms-wbt-server" },
	{ 4369, TCP, "epmd" },
	{ 4500, UDP, "ipsec-nat-t" },
	{ 5060, BOTH, "sip" },
	{ 5061, BOTH, "sips" },
	{ 5222, TCP, "xmpp-client" },
	{ 5353, UDP, "mdns" },
	{ 5355, BOTH, "llmnr" },
	{ 5432, TCP, "postgresql" },
	{ 5671, TCP, "amqps" },
	{ 5672, TCP, "amqp" },
	{ 6379, TCP, "redis" },
	{ 6443, TCP, "sun-sr-https" },
	{ 6667, TCP, "ircd" },
	{ 8080, TCP, "http-alt" },
	{ 8883, TCP, "secure-mqtt" },
	{ 9418, TCP, "git" },
	{ 10050, TCP, "zabbix-agent" },
	{ 11211, BOTH, "memcache" },
	{ 27017, TCP, "mongodb" },
};

const char *name_of_service(uint16_t port, uint8_t l4proto)
{
	uint8_t want = l4proto == IPPROTO_TCP ? TCP : l4proto == IPPROTO_UDP ? UDP : 0;
	size_t lo = 0, hi = countof(services);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (services[mid].port < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < countof(services) && services[lo].port == port; lo++)
		if (services[lo].protocols & want)
			return services[lo].name;
	return NULL;
}
