_amtctl() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="amtctl"
                ;;
            amtctl,activate)
                cmd="amtctl__subcmd__activate"
                ;;
            amtctl,amtinfo)
                cmd="amtctl__subcmd__info"
                ;;
            amtctl,channels)
                cmd="amtctl__subcmd__channels"
                ;;
            amtctl,completion)
                cmd="amtctl__subcmd__completion"
                ;;
            amtctl,config)
                cmd="amtctl__subcmd__config"
                ;;
            amtctl,configure)
                cmd="amtctl__subcmd__configure"
                ;;
            amtctl,deactivate)
                cmd="amtctl__subcmd__deactivate"
                ;;
            amtctl,doctor)
                cmd="amtctl__subcmd__doctor"
                ;;
            amtctl,events)
                cmd="amtctl__subcmd__events"
                ;;
            amtctl,health)
                cmd="amtctl__subcmd__health"
                ;;
            amtctl,help)
                cmd="amtctl__subcmd__help"
                ;;
            amtctl,info)
                cmd="amtctl__subcmd__info"
                ;;
            amtctl,jobs)
                cmd="amtctl__subcmd__jobs"
                ;;
            amtctl,metrics)
                cmd="amtctl__subcmd__metrics"
                ;;
            amtctl,status)
                cmd="amtctl__subcmd__status"
                ;;
            amtctl,version)
                cmd="amtctl__subcmd__version"
                ;;
            amtctl,wsman)
                cmd="amtctl__subcmd__wsman"
                ;;
            amtctl__subcmd__channels,close)
                cmd="amtctl__subcmd__channels__subcmd__close"
                ;;
            amtctl__subcmd__channels,help)
                cmd="amtctl__subcmd__channels__subcmd__help"
                ;;
            amtctl__subcmd__channels,list)
                cmd="amtctl__subcmd__channels__subcmd__list"
                ;;
            amtctl__subcmd__channels__subcmd__help,close)
                cmd="amtctl__subcmd__channels__subcmd__help__subcmd__close"
                ;;
            amtctl__subcmd__channels__subcmd__help,help)
                cmd="amtctl__subcmd__channels__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__channels__subcmd__help,list)
                cmd="amtctl__subcmd__channels__subcmd__help__subcmd__list"
                ;;
            amtctl__subcmd__config,check)
                cmd="amtctl__subcmd__config__subcmd__check"
                ;;
            amtctl__subcmd__config,defaults)
                cmd="amtctl__subcmd__config__subcmd__defaults"
                ;;
            amtctl__subcmd__config,help)
                cmd="amtctl__subcmd__config__subcmd__help"
                ;;
            amtctl__subcmd__config,show)
                cmd="amtctl__subcmd__config__subcmd__show"
                ;;
            amtctl__subcmd__config__subcmd__help,check)
                cmd="amtctl__subcmd__config__subcmd__help__subcmd__check"
                ;;
            amtctl__subcmd__config__subcmd__help,defaults)
                cmd="amtctl__subcmd__config__subcmd__help__subcmd__defaults"
                ;;
            amtctl__subcmd__config__subcmd__help,help)
                cmd="amtctl__subcmd__config__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__config__subcmd__help,show)
                cmd="amtctl__subcmd__config__subcmd__help__subcmd__show"
                ;;
            amtctl__subcmd__configure,amtfeatures)
                cmd="amtctl__subcmd__configure__subcmd__amtfeatures"
                ;;
            amtctl__subcmd__configure,amtpassword)
                cmd="amtctl__subcmd__configure__subcmd__amtpassword"
                ;;
            amtctl__subcmd__configure,help)
                cmd="amtctl__subcmd__configure__subcmd__help"
                ;;
            amtctl__subcmd__configure,mebx)
                cmd="amtctl__subcmd__configure__subcmd__mebx"
                ;;
            amtctl__subcmd__configure,syncclock)
                cmd="amtctl__subcmd__configure__subcmd__syncclock"
                ;;
            amtctl__subcmd__configure,synchostname)
                cmd="amtctl__subcmd__configure__subcmd__synchostname"
                ;;
            amtctl__subcmd__configure__subcmd__help,amtfeatures)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__amtfeatures"
                ;;
            amtctl__subcmd__configure__subcmd__help,amtpassword)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__amtpassword"
                ;;
            amtctl__subcmd__configure__subcmd__help,help)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__configure__subcmd__help,mebx)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__mebx"
                ;;
            amtctl__subcmd__configure__subcmd__help,syncclock)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__syncclock"
                ;;
            amtctl__subcmd__configure__subcmd__help,synchostname)
                cmd="amtctl__subcmd__configure__subcmd__help__subcmd__synchostname"
                ;;
            amtctl__subcmd__help,activate)
                cmd="amtctl__subcmd__help__subcmd__activate"
                ;;
            amtctl__subcmd__help,channels)
                cmd="amtctl__subcmd__help__subcmd__channels"
                ;;
            amtctl__subcmd__help,completion)
                cmd="amtctl__subcmd__help__subcmd__completion"
                ;;
            amtctl__subcmd__help,config)
                cmd="amtctl__subcmd__help__subcmd__config"
                ;;
            amtctl__subcmd__help,configure)
                cmd="amtctl__subcmd__help__subcmd__configure"
                ;;
            amtctl__subcmd__help,deactivate)
                cmd="amtctl__subcmd__help__subcmd__deactivate"
                ;;
            amtctl__subcmd__help,doctor)
                cmd="amtctl__subcmd__help__subcmd__doctor"
                ;;
            amtctl__subcmd__help,events)
                cmd="amtctl__subcmd__help__subcmd__events"
                ;;
            amtctl__subcmd__help,health)
                cmd="amtctl__subcmd__help__subcmd__health"
                ;;
            amtctl__subcmd__help,help)
                cmd="amtctl__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__help,info)
                cmd="amtctl__subcmd__help__subcmd__info"
                ;;
            amtctl__subcmd__help,jobs)
                cmd="amtctl__subcmd__help__subcmd__jobs"
                ;;
            amtctl__subcmd__help,metrics)
                cmd="amtctl__subcmd__help__subcmd__metrics"
                ;;
            amtctl__subcmd__help,status)
                cmd="amtctl__subcmd__help__subcmd__status"
                ;;
            amtctl__subcmd__help,version)
                cmd="amtctl__subcmd__help__subcmd__version"
                ;;
            amtctl__subcmd__help,wsman)
                cmd="amtctl__subcmd__help__subcmd__wsman"
                ;;
            amtctl__subcmd__help__subcmd__channels,close)
                cmd="amtctl__subcmd__help__subcmd__channels__subcmd__close"
                ;;
            amtctl__subcmd__help__subcmd__channels,list)
                cmd="amtctl__subcmd__help__subcmd__channels__subcmd__list"
                ;;
            amtctl__subcmd__help__subcmd__config,check)
                cmd="amtctl__subcmd__help__subcmd__config__subcmd__check"
                ;;
            amtctl__subcmd__help__subcmd__config,defaults)
                cmd="amtctl__subcmd__help__subcmd__config__subcmd__defaults"
                ;;
            amtctl__subcmd__help__subcmd__config,show)
                cmd="amtctl__subcmd__help__subcmd__config__subcmd__show"
                ;;
            amtctl__subcmd__help__subcmd__configure,amtfeatures)
                cmd="amtctl__subcmd__help__subcmd__configure__subcmd__amtfeatures"
                ;;
            amtctl__subcmd__help__subcmd__configure,amtpassword)
                cmd="amtctl__subcmd__help__subcmd__configure__subcmd__amtpassword"
                ;;
            amtctl__subcmd__help__subcmd__configure,mebx)
                cmd="amtctl__subcmd__help__subcmd__configure__subcmd__mebx"
                ;;
            amtctl__subcmd__help__subcmd__configure,syncclock)
                cmd="amtctl__subcmd__help__subcmd__configure__subcmd__syncclock"
                ;;
            amtctl__subcmd__help__subcmd__configure,synchostname)
                cmd="amtctl__subcmd__help__subcmd__configure__subcmd__synchostname"
                ;;
            amtctl__subcmd__help__subcmd__jobs,cancel)
                cmd="amtctl__subcmd__help__subcmd__jobs__subcmd__cancel"
                ;;
            amtctl__subcmd__help__subcmd__jobs,list)
                cmd="amtctl__subcmd__help__subcmd__jobs__subcmd__list"
                ;;
            amtctl__subcmd__help__subcmd__jobs,show)
                cmd="amtctl__subcmd__help__subcmd__jobs__subcmd__show"
                ;;
            amtctl__subcmd__help__subcmd__jobs,watch)
                cmd="amtctl__subcmd__help__subcmd__jobs__subcmd__watch"
                ;;
            amtctl__subcmd__help__subcmd__wsman,delete)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__delete"
                ;;
            amtctl__subcmd__help__subcmd__wsman,enumerate)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__enumerate"
                ;;
            amtctl__subcmd__help__subcmd__wsman,get)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__get"
                ;;
            amtctl__subcmd__help__subcmd__wsman,identify)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__identify"
                ;;
            amtctl__subcmd__help__subcmd__wsman,invoke)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__invoke"
                ;;
            amtctl__subcmd__help__subcmd__wsman,put)
                cmd="amtctl__subcmd__help__subcmd__wsman__subcmd__put"
                ;;
            amtctl__subcmd__jobs,cancel)
                cmd="amtctl__subcmd__jobs__subcmd__cancel"
                ;;
            amtctl__subcmd__jobs,help)
                cmd="amtctl__subcmd__jobs__subcmd__help"
                ;;
            amtctl__subcmd__jobs,list)
                cmd="amtctl__subcmd__jobs__subcmd__list"
                ;;
            amtctl__subcmd__jobs,show)
                cmd="amtctl__subcmd__jobs__subcmd__show"
                ;;
            amtctl__subcmd__jobs,watch)
                cmd="amtctl__subcmd__jobs__subcmd__watch"
                ;;
            amtctl__subcmd__jobs__subcmd__help,cancel)
                cmd="amtctl__subcmd__jobs__subcmd__help__subcmd__cancel"
                ;;
            amtctl__subcmd__jobs__subcmd__help,help)
                cmd="amtctl__subcmd__jobs__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__jobs__subcmd__help,list)
                cmd="amtctl__subcmd__jobs__subcmd__help__subcmd__list"
                ;;
            amtctl__subcmd__jobs__subcmd__help,show)
                cmd="amtctl__subcmd__jobs__subcmd__help__subcmd__show"
                ;;
            amtctl__subcmd__jobs__subcmd__help,watch)
                cmd="amtctl__subcmd__jobs__subcmd__help__subcmd__watch"
                ;;
            amtctl__subcmd__wsman,delete)
                cmd="amtctl__subcmd__wsman__subcmd__delete"
                ;;
            amtctl__subcmd__wsman,enumerate)
                cmd="amtctl__subcmd__wsman__subcmd__enumerate"
                ;;
            amtctl__subcmd__wsman,get)
                cmd="amtctl__subcmd__wsman__subcmd__get"
                ;;
            amtctl__subcmd__wsman,help)
                cmd="amtctl__subcmd__wsman__subcmd__help"
                ;;
            amtctl__subcmd__wsman,identify)
                cmd="amtctl__subcmd__wsman__subcmd__identify"
                ;;
            amtctl__subcmd__wsman,invoke)
                cmd="amtctl__subcmd__wsman__subcmd__invoke"
                ;;
            amtctl__subcmd__wsman,put)
                cmd="amtctl__subcmd__wsman__subcmd__put"
                ;;
            amtctl__subcmd__wsman__subcmd__help,delete)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__delete"
                ;;
            amtctl__subcmd__wsman__subcmd__help,enumerate)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__enumerate"
                ;;
            amtctl__subcmd__wsman__subcmd__help,get)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__get"
                ;;
            amtctl__subcmd__wsman__subcmd__help,help)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__help"
                ;;
            amtctl__subcmd__wsman__subcmd__help,identify)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__identify"
                ;;
            amtctl__subcmd__wsman__subcmd__help,invoke)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__invoke"
                ;;
            amtctl__subcmd__wsman__subcmd__help,put)
                cmd="amtctl__subcmd__wsman__subcmd__help__subcmd__put"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        amtctl)
            opts="-j -h -V --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help --version status info amtinfo health doctor activate deactivate configure jobs events channels wsman metrics config version completion help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__activate)
            opts="-d -y -j -h --ccm --acm --provisioningCert --dns-suffix --dns --password-file --password-stdin --provisioningCertPwd-file --mebxpassword-file --yes --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --provisioningCert)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --dns)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --dns-suffix)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -d)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help list close help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__close)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__help)
            opts="list close help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__help__subcmd__close)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__help__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__channels__subcmd__list)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__completion)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help bash zsh fish"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help show check defaults help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__check)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__defaults)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__help)
            opts="show check defaults help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__help__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__help__subcmd__defaults)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__config__subcmd__show)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help amtfeatures syncclock synchostname amtpassword mebx help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__amtfeatures)
            opts="-j -h --kvm --sol --ider --userConsent --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --kvm)
                    COMPREPLY=($(compgen -W "true false" -- "${cur}"))
                    return 0
                    ;;
                --sol)
                    COMPREPLY=($(compgen -W "true false" -- "${cur}"))
                    return 0
                    ;;
                --ider)
                    COMPREPLY=($(compgen -W "true false" -- "${cur}"))
                    return 0
                    ;;
                --userConsent)
                    COMPREPLY=($(compgen -W "none kvm all" -- "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__amtpassword)
            opts="-j -h --newamtpassword-file --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --newamtpassword-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help)
            opts="amtfeatures syncclock synchostname amtpassword mebx help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__amtfeatures)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__amtpassword)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__mebx)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__syncclock)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__help__subcmd__synchostname)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__mebx)
            opts="-j -h --mebxpassword-file --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --mebxpassword-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__syncclock)
            opts="-j -h --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__configure__subcmd__synchostname)
            opts="-j -h --hostname --domain --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --hostname)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --domain)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__deactivate)
            opts="-y -j -h --partial --password-file --password-stdin --yes --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__doctor)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__events)
            opts="-j -h --cursor --from-oldest --count --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --cursor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --count)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__health)
            opts="-j -h --service --wait --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --service)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --wait)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help)
            opts="status info health doctor activate deactivate configure jobs events channels wsman metrics config version completion help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__activate)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__channels)
            opts="list close"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__channels__subcmd__close)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__channels__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__completion)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__config)
            opts="show check defaults"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__config__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__config__subcmd__defaults)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__config__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure)
            opts="amtfeatures syncclock synchostname amtpassword mebx"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure__subcmd__amtfeatures)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure__subcmd__amtpassword)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure__subcmd__mebx)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure__subcmd__syncclock)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__configure__subcmd__synchostname)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__deactivate)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__doctor)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__events)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__health)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__info)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__jobs)
            opts="list show watch cancel"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__jobs__subcmd__cancel)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__jobs__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__jobs__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__jobs__subcmd__watch)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__metrics)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__status)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__version)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman)
            opts="get enumerate invoke put delete identify"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__delete)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__enumerate)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__get)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__identify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__invoke)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__help__subcmd__wsman__subcmd__put)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__info)
            opts="-r -b -s -u -m -p -d -l -a -c -A -j -h --ver --bld --sku --uuid --upid --mode --provisioningState --dns --hostname --lan --ras --operationalState --cert --all --userCert --proxy --password-file --password-stdin --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help list show watch cancel help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__cancel)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help)
            opts="list show watch cancel help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help__subcmd__cancel)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__help__subcmd__watch)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__list)
            opts="-j -h --limit --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --limit)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__show)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__jobs__subcmd__watch)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__metrics)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__status)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__version)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman)
            opts="-j -h --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help get enumerate invoke put delete identify help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__delete)
            opts="-s -j -h --selector --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --selector)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__enumerate)
            opts="-j -h --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__get)
            opts="-s -j -h --selector --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --selector)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help)
            opts="get enumerate invoke put delete identify help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__delete)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__enumerate)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__get)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__identify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__invoke)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__help__subcmd__put)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__identify)
            opts="-j -h --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__invoke)
            opts="-s -j -h --selector --body --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --selector)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --body)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        amtctl__subcmd__wsman__subcmd__put)
            opts="-s -j -h --selector --body --xml --user --password-file --password-stdin --plan --no-wait --deadline --request-id --socket --timeout --json --no-color --password --newamtpassword --mebxpassword --provisioningCertPwd --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --selector)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --body)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --request-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --newamtpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --mebxpassword)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --provisioningCertPwd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _amtctl -o nosort -o bashdefault -o default amtctl
else
    complete -F _amtctl -o bashdefault -o default amtctl
fi
