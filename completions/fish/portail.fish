# Completion of portail for fish (3.0 or later). It asks the program itself, so that it always fits it.
# Install: portail completion fish > ~/.config/fish/completions/portail.fish

function __portail_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l answer ($program __complete fish $words[2..-1] (string unescape -- $current; or echo $current) 2>/dev/null)
    set -q answer[2]; or return
    set -l typed (string sub -s (math 1 + (string length -- $answer[2])) -- $current)
    switch $answer[1]
        case files
            # A line without a command completes to files, quotes and ~ understood.
            set answer $answer $answer[2](complete -C "'' $typed")
        case folders
            set answer $answer $answer[2](complete -C "'' $typed" | string match -r '.*/$')
        case program
            set -e words[1..(contains -i -- -- $words)]
            complete -C (string join ' ' -- (string escape -- $words) $current)
    end
    test (count $answer) -gt 2; and printf '%s\n' $answer[3..-1]
end

complete -c portail -e
complete -c portail -f -k -a '(__portail_complete)'
