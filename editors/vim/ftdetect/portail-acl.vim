" Access policies of portail.
autocmd BufNewFile,BufRead *.acl setfiletype portail-acl
