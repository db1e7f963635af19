/** Tests of S3 references, and the S3 server that tests and benchmarks start. */
package io.shelfstream.s3;
