# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_amtctl_global_optspecs
    string join \n socket= timeout= j/json no-color password= newamtpassword= mebxpassword= provisioningCertPwd= h/help V/version
end

function __fish_amtctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_amtctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_amtctl_using_subcommand
    set -l cmd (__fish_amtctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c amtctl -n "__fish_amtctl_needs_command" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_needs_command" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_needs_command" -l password -r
complete -c amtctl -n "__fish_amtctl_needs_command" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_needs_command" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_needs_command" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_needs_command" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_needs_command" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_needs_command" -s V -l version -d 'Print version'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "status" -d 'Show the state of amtd, of its link to the firmware and of its ports'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "info" -d 'Show what the firmware reports about itself'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "amtinfo" -d 'Show what the firmware reports about itself'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "health" -d 'Tell by the exit code whether amtd is serving'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "doctor" -d 'Find out what is wrong, even when amtd is not running'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "activate" -d 'Activate AMT in client or admin control mode'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "deactivate" -d 'Deactivate AMT, wholly or in part'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "configure" -d 'Change the settings of activated AMT'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "jobs" -d 'List, show, watch and cancel jobs'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "events" -d 'Follow what happens to the link, ports, channels, jobs and firmware'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "channels" -d 'List and close client connections'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "wsman" -d 'Send one WSMAN request'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "metrics" -d 'Print the metrics as OpenMetrics text'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "config" -d 'Show, check and explain the configuration of amtd'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "version" -d 'Show the versions of amtctl and amtd'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c amtctl -n "__fish_amtctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s r -l ver -d 'Show the AMT version'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s b -l bld -d 'Show the build number'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s s -l sku -d 'Show the product SKU'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s u -l uuid -d 'Show the unique identifier of the machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l upid -d 'Show the Intel Unique Platform ID'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s m -l mode -d 'Show the control mode'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s p -l provisioningState -d 'Show the provisioning state'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s d -l dns -d 'Show the DNS suffixes of the firmware and of the system'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l hostname -d 'Show the host name of the system'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s l -l lan -d 'Show the network adapters'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s a -l ras -d 'Show the state of remote access'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l operationalState -d 'Show whether AMT is enabled in the BIOS'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s c -l cert -d 'Show the hashes of trusted root certificates'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s A -l all -d 'Show everything'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l userCert -d 'Show only the user certificates; needs the AMT password'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l proxy -d 'Show the HTTP proxies that the firmware knows; needs the AMT password'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s r -l ver -d 'Show the AMT version'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s b -l bld -d 'Show the build number'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s s -l sku -d 'Show the product SKU'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s u -l uuid -d 'Show the unique identifier of the machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l upid -d 'Show the Intel Unique Platform ID'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s m -l mode -d 'Show the control mode'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s p -l provisioningState -d 'Show the provisioning state'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s d -l dns -d 'Show the DNS suffixes of the firmware and of the system'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l hostname -d 'Show the host name of the system'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s l -l lan -d 'Show the network adapters'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s a -l ras -d 'Show the state of remote access'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l operationalState -d 'Show whether AMT is enabled in the BIOS'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s c -l cert -d 'Show the hashes of trusted root certificates'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s A -l all -d 'Show everything'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l userCert -d 'Show only the user certificates; needs the AMT password'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l proxy -d 'Show the HTTP proxies that the firmware knows; needs the AMT password'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand amtinfo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l service -d 'Ask about one part: link, front, firmware or jobs [default: amtd as a whole]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l wait -d 'Wait until it is serving, at most this long [default without a time: 60s]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand health" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l provisioningCert -d 'Read the provisioning certificate, its chain and its key from this PKCS#12 file, binary or base64' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -s d -l dns -l dns-suffix -d 'Check the certificate against this DNS suffix, and not only against that of the firmware' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l provisioningCertPwd-file -d 'Read the password of the provisioning certificate from this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l mebxpassword-file -d 'Also set the MEBx password, read from this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l ccm -d 'Activate in client control mode'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l acm -d 'Activate in admin control mode, or upgrade to it; needs a provisioning certificate'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -s y -l yes -d 'Do not ask for confirmation'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand activate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l partial -d 'Keep the admin account and the network settings; admin control mode only'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -s y -l yes -d 'Do not ask for confirmation'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand deactivate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "amtfeatures" -d 'Switch KVM, SOL and IDER on or off, and set when the user must consent'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "syncclock" -d 'Set the AMT clock to the time of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "synchostname" -d 'Set the AMT host name to that of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "amtpassword" -d 'Change the password of the AMT account admin'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "mebx" -d 'Set the password of the MEBx menu; admin control mode only'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and not __fish_seen_subcommand_from amtfeatures syncclock synchostname amtpassword mebx help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l kvm -d 'Switch KVM on, or off with --kvm=false; unchanged without the flag' -r -f -a "true\t''
false\t''"
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l sol -d 'Switch serial over LAN on, or off with --sol=false; unchanged without the flag' -r -f -a "true\t''
false\t''"
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l ider -d 'Switch IDE redirection on, or off with --ider=false; unchanged without the flag' -r -f -a "true\t''
false\t''"
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l userConsent -d 'Require the consent of the user at the machine for this; admin control mode only' -r -f -a "none\t''
kvm\t''
all\t''"
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtfeatures" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from syncclock" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l hostname -d 'Use this host name instead of the machine\'s' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l domain -d 'Use this domain instead of the machine\'s; if neither is known, AMT keeps its own' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from synchostname" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l newamtpassword-file -d 'Read the new AMT password from this file; "-" is standard input, after the current password' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from amtpassword" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l mebxpassword-file -d 'Read the MEBx password from this file; "-" is standard input, after the AMT password' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from mebx" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "amtfeatures" -d 'Switch KVM, SOL and IDER on or off, and set when the user must consent'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "syncclock" -d 'Set the AMT clock to the time of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "synchostname" -d 'Set the AMT host name to that of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "amtpassword" -d 'Change the password of the AMT account admin'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "mebx" -d 'Set the password of the MEBx menu; admin control mode only'
complete -c amtctl -n "__fish_amtctl_using_subcommand configure; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -f -a "list" -d 'List jobs, the newest first'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -f -a "show" -d 'Show a job'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -f -a "watch" -d 'Watch a job until it ends, and exit with the code of its verdict'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -f -a "cancel" -d 'Cancel a job at its next safe point'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l limit -d 'List at most this many' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from help" -f -a "list" -d 'List jobs, the newest first'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a job'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Watch a job until it ends, and exit with the code of its verdict'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel a job at its next safe point'
complete -c amtctl -n "__fish_amtctl_using_subcommand jobs; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l cursor -d 'Continue after the event with this cursor' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l count -d 'Stop after this many events' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l from-oldest -d 'Start with the oldest event that amtd remembers'
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand events" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -f -a "list" -d 'List client connections'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -f -a "close" -d 'Close a client connection, and its channel'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and not __fish_seen_subcommand_from list close help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from close" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "list" -d 'List client connections'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "close" -d 'Close a client connection, and its channel'
complete -c amtctl -n "__fish_amtctl_using_subcommand channels; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "get" -d 'Get an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "enumerate" -d 'Get all instances of a class'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "invoke" -d 'Invoke a method'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "put" -d 'Replace an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "delete" -d 'Delete an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "identify" -d 'Ask which product and protocol version answer'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and not __fish_seen_subcommand_from get enumerate invoke put delete identify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -s s -l selector -d 'Select the instance whose key has this value; may be given several times' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from enumerate" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -s s -l selector -d 'Select the instance whose key has this value; may be given several times' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l body -d 'Pass the input in this file, a JSON object or an XML element; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from invoke" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -s s -l selector -d 'Select the instance whose key has this value; may be given several times' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l body -d 'Put the instance in this file, a JSON object or an XML element; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -s s -l selector -d 'Select the instance whose key has this value; may be given several times' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l user -d 'Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l password-file -d 'Read the AMT password from the first line of this file; "-" is standard input' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l deadline -d 'Fail the job if it takes longer than this [default: as configured]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l request-id -d 'Name the request, so that repeating the command creates no second job [default: a random name]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l xml -d 'Show the content of the SOAP body as XML'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l password-stdin -d 'Read the AMT password from the next line of standard input'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l plan -d 'Only show what would be done'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l no-wait -d 'Do not wait for the job to end'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from identify" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "get" -d 'Get an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "enumerate" -d 'Get all instances of a class'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "invoke" -d 'Invoke a method'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "put" -d 'Replace an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "identify" -d 'Ask which product and protocol version answer'
complete -c amtctl -n "__fish_amtctl_using_subcommand wsman; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand metrics" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -f -a "show" -d 'Show the configuration that the running amtd uses'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -f -a "check" -d 'Check a configuration file with the installed amtd, which need not be running'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -f -a "defaults" -d 'Show every key with its meaning and default'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and not __fish_seen_subcommand_from show check defaults help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from defaults" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the configuration that the running amtd uses'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a configuration file with the installed amtd, which need not be running'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "defaults" -d 'Show every key with its meaning and default'
complete -c amtctl -n "__fish_amtctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand version" -s h -l help -d 'Print help'
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l socket -d 'Talk to the amtd that listens on this Unix socket' -r -F
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l timeout -d 'Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd asks the firmware first]' -r
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l password -r
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l newamtpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l mebxpassword -r
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l provisioningCertPwd -r
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -s j -l json -d 'Print JSON (schema amtctl/v1) instead of text'
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -l no-color -d 'Print without colour, as with NO_COLOR'
complete -c amtctl -n "__fish_amtctl_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "status" -d 'Show the state of amtd, of its link to the firmware and of its ports'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "info" -d 'Show what the firmware reports about itself'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "health" -d 'Tell by the exit code whether amtd is serving'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "doctor" -d 'Find out what is wrong, even when amtd is not running'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "activate" -d 'Activate AMT in client or admin control mode'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "deactivate" -d 'Deactivate AMT, wholly or in part'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "configure" -d 'Change the settings of activated AMT'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "jobs" -d 'List, show, watch and cancel jobs'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "events" -d 'Follow what happens to the link, ports, channels, jobs and firmware'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "channels" -d 'List and close client connections'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "wsman" -d 'Send one WSMAN request'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "metrics" -d 'Print the metrics as OpenMetrics text'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "config" -d 'Show, check and explain the configuration of amtd'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "version" -d 'Show the versions of amtctl and amtd'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "completion" -d 'Print the completion script of a shell'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and not __fish_seen_subcommand_from status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from configure" -f -a "amtfeatures" -d 'Switch KVM, SOL and IDER on or off, and set when the user must consent'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from configure" -f -a "syncclock" -d 'Set the AMT clock to the time of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from configure" -f -a "synchostname" -d 'Set the AMT host name to that of this machine'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from configure" -f -a "amtpassword" -d 'Change the password of the AMT account admin'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from configure" -f -a "mebx" -d 'Set the password of the MEBx menu; admin control mode only'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from jobs" -f -a "list" -d 'List jobs, the newest first'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from jobs" -f -a "show" -d 'Show a job'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from jobs" -f -a "watch" -d 'Watch a job until it ends, and exit with the code of its verdict'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from jobs" -f -a "cancel" -d 'Cancel a job at its next safe point'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "list" -d 'List client connections'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from channels" -f -a "close" -d 'Close a client connection, and its channel'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "get" -d 'Get an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "enumerate" -d 'Get all instances of a class'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "invoke" -d 'Invoke a method'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "put" -d 'Replace an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "delete" -d 'Delete an instance'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from wsman" -f -a "identify" -d 'Ask which product and protocol version answer'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show the configuration that the running amtd uses'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check a configuration file with the installed amtd, which need not be running'
complete -c amtctl -n "__fish_amtctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "defaults" -d 'Show every key with its meaning and default'
