" Colours for access policies of portail; lib/acl/GRAMMAR.md says what they are. Tested against the parser.
if exists("b:current_syntax")
  finish
endif

syntax case match
" Blocks may be long, and what a word is hangs on the block.
syntax sync fromstart
" A word of the language: names, dotted facts, addresses.
syntax iskeyword @,48-57,192-255,_,-,.,:

syntax match aclComment "#.*$"
syntax match aclComment "//.*$"

" Values; of those that begin at one place the last wins
syntax match aclWord "\k\+" contained
syntax region aclString start=+"+ end=+"+ contained
syntax region aclString start=+\k\@1<!e"+ end=+"+ contained contains=aclEscape
syntax match aclEscape +\\\%(["\\nrt]\|u{\x\{1,6}}\)+ contained
syntax match aclNumber "\k\@1<!-\?\d\+\k\@!" contained
syntax match aclNumber "\k\@1<!\d\+-\d\+\k\@!" contained
syntax match aclAddress "\k\@1<!\d\+\%(\.\d\+\)\+\%(/\d\+\)\?\k\@!" contained
syntax match aclAddress "\k\@1<![0-9a-fA-F.]*:[0-9a-fA-F:.]*\%(/\d\+\)\?\k\@!" contained
syntax keyword aclBoolean true false contained
syntax region aclList start="\[" end="\]" contained contains=aclComment,aclString,@aclValue
syntax cluster aclValue contains=aclNumber,aclAddress,aclBoolean

" Facts; beneath the open families any name is one
syntax match aclFact "\k\@1<!\%(header\|user\|device\|geo\|risk\|challenge\)\.\k\+" contained
syntax keyword aclFact command client.ip client.port client.uid client.gid client.pid client.executable client.cgroup client.auth client.user client.cn contained
syntax keyword aclFact client.ou client.dns client.uri client.ip_names client.email client.spiffe contained
syntax keyword aclFact client.issuer client.serial client.pin client.not_before client.not_after contained
syntax keyword aclFact upstream.name upstream.cn upstream.ou upstream.dns upstream.uri upstream.ip_names contained
syntax keyword aclFact upstream.email upstream.spiffe upstream.issuer upstream.serial upstream.pin contained
syntax keyword aclFact upstream.not_before upstream.not_after peer.ip listen.port proxy.protocol proxy.version proxy.cmd contained
syntax keyword aclFact host port dest.ip method path query scheme tls.server_name tls.protocol_id contained
syntax keyword aclFact tls.protocol_ids tls.version tunnel.name tproxy.rule mux.route route.local s3.bucket s3.key contained
syntax keyword aclFact s3.operation user.name user.groups user.email device.id device.managed geo.country contained
syntax keyword aclFact geo.asn risk.score now time weekday decision.outcome decision.policy decision.reason contained

" Conditions and actions. A group for the braces keeps the inner region from beginning on the outer one's brace.
syntax match aclPattern +=\~\_s*"\_[^"]*"+ contained contains=aclOperator
syntax match aclOperator "[=!<>]=\|=\~\|[<>]" contained
syntax keyword aclLogic and or not zone contained
syntax keyword aclLogic in under contained nextgroup=aclWord,aclFact,aclNumber,aclAddress,aclString,aclList skipwhite skipempty
syntax keyword aclLogic defined contained nextgroup=aclWord,aclFact skipwhite skipempty
syntax keyword aclAction allow deny redirect challenge log contained
syntax keyword aclKeyword explain-template contained
syntax cluster aclCondition contains=aclComment,aclString,aclPattern,@aclValue,aclList,aclFact,aclWord,aclOperator,aclLogic,aclAction,aclKeyword,aclBraces
syntax region aclBraces matchgroup=aclBrace start="{" end="}" contained contains=@aclCondition

" Blocks end behind the brace that closes their body
syntax match aclName "\k\+" contained
syntax region aclPolicy matchgroup=aclBlock start="\<policy\>" matchgroup=NONE end="}\@1<=" contains=aclComment,aclName,aclPolicyBody
syntax region aclPolicyBody matchgroup=aclBrace start="{" end="}" contained contains=@aclCondition,aclPolicyClause
syntax keyword aclPolicyClause when require action contained
syntax region aclRoute matchgroup=aclBlock start="\<route\>" matchgroup=NONE end="}\@1<=" contains=aclComment,aclName,aclRouteBody
syntax region aclRouteBody matchgroup=aclBrace start="{" end="}" contained contains=@aclCondition,aclRouteClause
syntax keyword aclRouteClause when use contained

syntax region aclSet matchgroup=aclBlock start="\<set\>" matchgroup=NONE end=+[\]"]\@1<=+ contains=aclComment,aclName,aclSetValue
syntax region aclSetValue start="=" end=+[\]"]\@1<=+ contained contains=aclComment,aclString,aclList,aclSource
syntax keyword aclSource lines hosts contained
syntax region aclInclude matchgroup=aclBlock start="\<include\>" matchgroup=NONE end=+"\@1<=+ contains=aclComment,aclString

syntax region aclTest matchgroup=aclBlock start="\<test\>" matchgroup=NONE end="}\@1<=" contains=aclComment,aclString,aclTestBody
syntax region aclTestBody matchgroup=aclBrace start="{" end="}" contained contains=aclComment,aclString,aclList,aclBindings,aclTestClause,aclOutcome,aclExpect
syntax keyword aclTestClause given case expect contained
syntax keyword aclOutcome allow deny redirect challenge contained
syntax keyword aclExpect to via explain contained
syntax keyword aclExpect by contained nextgroup=aclName skipwhite skipempty
syntax keyword aclExpect missing contained nextgroup=aclWord,aclFact skipwhite skipempty
syntax keyword aclExpect logged contained nextgroup=aclNames skipwhite skipempty
syntax region aclNames start="\[" end="\]" contained contains=aclComment,aclName
syntax region aclBindings matchgroup=aclBrace start="{" end="}" contained contains=aclComment,aclString,aclList,@aclValue,aclFact,aclWord

highlight default link aclComment Comment
highlight default link aclString String
highlight default link aclPattern String
highlight default link aclEscape SpecialChar
highlight default link aclNumber Number
highlight default link aclAddress Constant
highlight default link aclBoolean Boolean
highlight default link aclFact Identifier
highlight default link aclOperator Operator
highlight default link aclLogic Operator
highlight default link aclAction Statement
highlight default link aclKeyword Keyword
highlight default link aclBlock Structure
highlight default link aclBrace Delimiter
highlight default link aclName Type
highlight default link aclPolicyClause Keyword
highlight default link aclRouteClause Keyword
highlight default link aclSource Keyword
highlight default link aclTestClause Keyword
highlight default link aclOutcome Statement
highlight default link aclExpect Keyword

let b:current_syntax = "portail-acl"
