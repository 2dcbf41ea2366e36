import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends the lines of files to a topic, one a message, file by partition, in turns: as fast as the broker takes them or
 * at a steady rate.
 *
 * <p>Arguments: bootstrap servers, topic, compression, lines a second (0: as fast as they are taken), a word ("": none),
 * files. Of each line with that word it prints partition, offset and the time of the record; at the end how many lines
 * were sent.
 */
public final class Feed {
    private static final int TURN = 500;
    private static final long SLICE_NS = 10_000_000;
    private static final int LONGEST = 1 << 20;

    private final KafkaProducer<byte[], byte[]> producer;
    private final String topic;
    private final byte[] word;
    private final InputStream[] files;
    private volatile Exception failure;
    private int at;
    private long sent;

    private Feed(String bootstrap, String topic, String compression, String word, String[] paths) throws IOException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("compression.type", compression);
        // What shippers of logs use: some milliseconds, some tens of kilobytes.
        settings.put("linger.ms", "5");
        settings.put("batch.size", "65536");
        settings.put("acks", "all");
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        this.topic = topic;
        this.word = word.getBytes();
        files = new InputStream[paths.length];
        for (int file = 0; file < paths.length; file++) {
            files[file] = new BufferedInputStream(Files.newInputStream(Path.of(paths[file])), 1 << 18);
        }
    }

    public static void main(String[] arguments) throws Exception {
        double rate = Double.parseDouble(arguments[3]);
        String[] files = Arrays.copyOfRange(arguments, 5, arguments.length);
        Feed feed = new Feed(arguments[0], arguments[1], arguments[2], arguments[4], files);
        if (rate > 0) {
            feed.steadily(rate);
        } else {
            feed.fast();
        }
        feed.producer.flush();
        feed.producer.close();
        if (feed.failure != null) {
            throw feed.failure;
        }
        System.out.println(feed.sent);
    }

    private void fast() throws IOException {
        while (turn(TURN)) {
            at = (at + 1) % files.length;
        }
    }

    private void steadily(double rate) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        boolean more = true;
        while (more) {
            long due = (long) ((System.nanoTime() - begin) / 1e9 * rate) - sent;
            for (; due > 0 && more; due--) {
                more = turn(1);
                at = (at + 1) % files.length;
            }
            Thread.sleep(0, (int) 999_999);
            long late = (System.nanoTime() - begin) % SLICE_NS;
            Thread.sleep((SLICE_NS - late) / 1_000_000);
        }
    }

    /** Sends some lines of the present file, or of the next that has any; says whether there may be more. */
    private boolean turn(int lines) throws IOException {
        for (int tried = 0; tried < files.length; tried++) {
            int before = lines;
            byte[] line;
            while (lines > 0 && (line = next(files[at])) != null) {
                boolean marked = word.length > 0 && holds(line);
                producer.send(new ProducerRecord<>(topic, at, null, line), (told, error) -> {
                    if (error != null) {
                        failure = error;
                    } else if (marked) {
                        System.out.println(told.partition() + " " + told.offset() + " " + told.timestamp());
                    }
                });
                lines--;
                sent++;
            }
            if (lines < before) {
                return failure == null;
            }
            at = (at + 1) % files.length;
        }
        return false;
    }

    private boolean holds(byte[] line) {
        for (int from = 0; from + word.length <= line.length; from++) {
            if (Arrays.equals(line, from, from + word.length, word, 0, word.length)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] next(InputStream file) throws IOException {
        file.mark(LONGEST);
        int length = 0;
        int one;
        while ((one = file.read()) != '\n') {
            if (one < 0) {
                return null;
            }
            length++;
        }
        file.reset();
        byte[] line = file.readNBytes(length);
        file.skip(1);
        return line;
    }
}
