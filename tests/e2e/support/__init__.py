"""What the tests run against: certificates, a KMIP server, the database server and its clients."""
