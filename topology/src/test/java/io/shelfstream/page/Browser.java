package io.shelfstream.page;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.InstalledProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.By;
import org.openqa.selenium.JavascriptException;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * Chromium without a window. Tests are skipped where it, or its driver, is neither on the path nor
 * where deploy/test puts them.
 */
final class Browser implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Elements of a view that can have the focus. */
  private static final int MOST_TABS = 200;

  private final ChromeDriver driver;
  private final String axe;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
    try (InputStream script = ChromeDriver.class.getResourceAsStream("/axe.min.js")) {
      this.axe = new String(Objects.requireNonNull(script).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Browser open() {
    ChromeOptions options = new ChromeOptions();
    options.setBinary(program("chromium").toFile());
    options.addArguments(
        "--headless=new",
        "--no-sandbox", // root has none in containers
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--lang=en-GB");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable("browser", Level.ALL);
    logs.enable("performance", Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(program("chromedriver").toFile())
            .usingAnyFreePort()
            .build();
    return new Browser(new ChromeDriver(service, options));
  }

  private static Path program(String name) {
    return InstalledProgram.find(
        name, "install Debian's chromium and chromium-driver, or run deploy/test", "chromium");
  }

  void open(String url) {
    driver.get("about:blank"); // another address behind # alone would load nothing
    driver.get(url);
  }

  /**
   * Pretends a window.
   *
   * @param width 390 is a telephone
   */
  void size(int width) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of(
            "width",
            width,
            "height",
            width < 500 ? 844 : 900,
            "deviceScaleFactor",
            1,
            "mobile",
            width < 500));
  }

  void theme(String theme) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", theme))));
  }

  /** Takes the network away, or gives it back. */
  void offline(boolean is) {
    driver.executeCdpCommand(
        "Network.emulateNetworkConditions",
        Map.of("offline", is, "latency", 0, "downloadThroughput", -1, "uploadThroughput", -1));
  }

  /** An element, once it is there and can be seen. */
  WebElement see(String css) {
    until(
        css + " is seen",
        () -> driver.findElements(By.cssSelector(css)).stream().anyMatch(WebElement::isDisplayed));
    return driver.findElements(By.cssSelector(css)).stream()
        .filter(WebElement::isDisplayed)
        .findFirst()
        .orElseThrow();
  }

  /** Waits until an element with this text is there; returns all of its text. */
  String see(String css, String text) {
    until(
        "'%s' stands in %s".formatted(text, css),
        () ->
            driver.findElements(By.cssSelector(css)).stream()
                .anyMatch(element -> element.getText().contains(text)));
    return driver.findElements(By.cssSelector(css)).stream()
        .map(WebElement::getText)
        .filter(all -> all.contains(text))
        .findFirst()
        .orElse("");
  }

  /** Waits until none of these elements can be seen. */
  void goes(String css) {
    until(
        css + " goes",
        () -> driver.findElements(By.cssSelector(css)).stream().noneMatch(WebElement::isDisplayed));
  }

  void click(String css) {
    until(
        css + " can be clicked",
        () -> {
          see(css).click();
          return true;
        });
  }

  /** Clicks the first of these elements that has the text. */
  void click(String css, String text) {
    until(
        "'%s' in %s can be clicked".formatted(text, css),
        () -> {
          see(css, text);
          driver.findElements(By.cssSelector(css)).stream()
              .filter(element -> element.getText().contains(text))
              .findFirst()
              .orElseThrow()
              .click();
          return true;
        });
  }

  void type(String css, String text) {
    WebElement input = see(css);
    input.clear();
    input.sendKeys(text);
  }

  /** Presses keys, one after the other, where the focus is. */
  void press(CharSequence... keys) {
    for (CharSequence key : keys) {
      new Actions(driver).sendKeys(key).perform();
    }
  }

  /** Presses the tabulator until the focus is on an element that can be seen to have it. */
  void tabTo(String css) {
    for (int i = 0; i < MOST_TABS; i++) {
      press(Keys.TAB);
      Object is =
          run(
              """
              const one = document.activeElement;
              if (!one.matches(arguments[0])) return null;
              const style = getComputedStyle(one);
              return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
              """,
              css);
      if (is != null) {
        assertThat(is).as("the focus on %s can be seen", css).isEqualTo(true);
        return;
      }
    }
    throw new AssertionError("The tabulator does not come to " + css);
  }

  /** Gives a file to an input, as its dialog does. */
  void choose(String css, Path file) {
    driver.findElement(By.cssSelector(css)).sendKeys(file.toAbsolutePath().normalize().toString());
  }

  @Nullable Object run(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** A script that calls its last argument with the result. */
  @Nullable Object await(String script, Object... arguments) {
    driver.manage().timeouts().scriptTimeout(PATIENCE);
    return driver.executeAsyncScript(script, arguments);
  }

  interface Condition {
    boolean holds();
  }

  void until(String what, Condition condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        if (condition.holds()) {
          return;
        }
      } catch (StaleElementReferenceException
          | org.openqa.selenium.ElementClickInterceptedException
          | JavascriptException e) {
        // The page has just changed: look again.
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "Waited %s until %s; the page says: %s"
                .formatted(PATIENCE, what, driver.findElement(By.tagName("body")).getText()));
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** What axe-core finds serious or critical on the page as it is now; one line each. */
  List<String> faults() {
    driver.executeScript(axe);
    Object found =
        await(
            """
            const done = arguments[0];
            axe.run(document, {resultTypes: ['violations']}).then(
              (results) => done(results.violations
                .filter((one) => one.impact === 'serious' || one.impact === 'critical')
                .flatMap((one) => one.nodes.map((node) => one.id + ': ' + node.target + ': ' + node.failureSummary))),
              (failure) => done(['axe: ' + failure]));
            """);
    return ((List<?>) Objects.requireNonNull(found)).stream().map(String::valueOf).toList();
  }

  void picture(Path file) throws IOException {
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
  }

  /** What the browser logged since the last call: browser, or performance for its requests. */
  List<String> log(String type) {
    return driver.manage().logs().get(type).getAll().stream().map(LogEntry::getMessage).toList();
  }

  @Override
  public void close() {
    driver.quit();
  }
}
