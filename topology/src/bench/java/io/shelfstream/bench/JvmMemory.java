package io.shelfstream.bench;

import com.sun.management.GarbageCollectorMXBean;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.util.Map;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** The heap of a program that is a JVM, in MiB, by its own management beans. */
final class JvmMemory implements AutoCloseable {
  private static final double MIB = 1 << 20;

  private final JMXConnector connector;
  private final MBeanServerConnection connection;

  private JvmMemory(JMXConnector connector) throws IOException {
    this.connector = connector;
    this.connection = connector.getMBeanServerConnection();
  }

  @SuppressWarnings("BanJNDI") // the address is that of a JVM which this one started
  static JvmMemory of(Program program) throws Exception {
    VirtualMachine machine = VirtualMachine.attach(Long.toString(program.pid()));
    String address = machine.startLocalManagementAgent();
    machine.detach();
    return new JvmMemory(JMXConnectorFactory.connect(new JMXServiceURL(address)));
  }

  /** What the last collection left. */
  double afterLastCollection() throws IOException {
    double heap = 0;
    long latest = -1;
    for (GarbageCollectorMXBean collector :
        ManagementFactory.getPlatformMXBeans(connection, GarbageCollectorMXBean.class)) {
      var last = collector.getLastGcInfo();
      if (last != null && last.getEndTime() > latest) {
        latest = last.getEndTime();
        heap = onHeap(last.getMemoryUsageAfterGc());
      }
    }
    return heap;
  }

  private static double onHeap(Map<String, MemoryUsage> pools) {
    double bytes = 0;
    for (Map.Entry<String, MemoryUsage> pool : pools.entrySet()) {
      String name = pool.getKey();
      if (name.contains("Eden") || name.contains("Survivor") || name.matches(".*(Old|Tenured).*")) {
        bytes += pool.getValue().getUsed();
      }
    }
    return bytes / MIB;
  }

  /** What is in use once all that is not has been collected. */
  double inUse() throws IOException {
    memory().gc();
    return memory().getHeapMemoryUsage().getUsed() / MIB;
  }

  /** What the heap takes of the machine's memory. */
  double committed() throws IOException {
    return memory().getHeapMemoryUsage().getCommitted() / MIB;
  }

  private MemoryMXBean memory() throws IOException {
    return ManagementFactory.getPlatformMXBeans(connection, MemoryMXBean.class).get(0);
  }

  @Override
  public void close() throws IOException {
    connector.close();
  }
}
