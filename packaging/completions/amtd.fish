complete -c amtd -l device -d 'Use this MEI device: a character device, or the Unix socket of a virtual one' -r -F
complete -c amtd -l config -d 'Read the configuration from this file [default: /etc/amtd/amtd.toml, if it exists]' -r -F
complete -c amtd -l state-dir -d 'Keep what outlives the daemon here [default: as systemd says, or /var/lib/amtd]' -r -F
complete -c amtd -l runtime-dir -d 'Keep sockets and the lock here [default: as systemd says, or /run/amtd]' -r -F
complete -c amtd -l explain-class -d 'Say which class a recorded HTTP request gets and why, and exit; "-" reads standard input' -r -F
complete -c amtd -l log -d 'Log what this filter lets through, as in "debug" or "info,amtd::driver=trace"' -r
complete -c amtd -l check-config -d 'Check the configuration and exit'
complete -c amtd -l print-default-config -d 'Print the default configuration with the documentation of every key, and exit'
complete -c amtd -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtd -s V -l version -d 'Print version'
