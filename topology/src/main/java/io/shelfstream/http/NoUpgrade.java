package io.shelfstream.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;

/**
 * Answers a request that offers to go on in HTTP/2 ({@code Upgrade: h2c}) in HTTP/1.1. Java's
 * client makes that offer on every new connection, and one in a hundred of its first requests then
 * hung until the connection was closed: it loses frames that come together with the answer to its
 * offer. HTTP/2 from the first byte on, as of gRPC, stays as it is.
 *
 * <p>Armeria has no setting for that. It looks at the first four bytes of a connection, and if they
 * are not those of HTTP/2, it adds the handler that takes offers. So it gets these four alone, and
 * the handler is taken away before the others follow. One for each connection.
 */
final class NoUpgrade extends ChannelInboundHandlerAdapter {
  private static final String UPGRADE_HANDLER = "HttpServerUpgradeHandler";

  private int missing = 4;

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof ByteBuf bytes)) {
      context.fireChannelRead(message);
      return;
    }
    int first = Math.min(missing, bytes.readableBytes());
    missing -= first;
    if (missing > 0) {
      context.fireChannelRead(bytes);
      return;
    }
    ByteBuf begin = bytes.readRetainedSlice(first);
    context.fireChannelRead(begin);
    ChannelPipeline pipeline = context.pipeline();
    pipeline.toMap().values().stream()
        .filter(handler -> handler.getClass().getSimpleName().equals(UPGRADE_HANDLER))
        .toList()
        .forEach(pipeline::remove);
    pipeline.remove(this);
    context.fireChannelRead(bytes);
  }
}
