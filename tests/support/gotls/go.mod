module portail.test/gotls

go 1.19
